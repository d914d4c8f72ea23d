//! The configuration as an examiner wants it: what is wrong with each variable, and the settings that the good ones make.

use super::environment::{Environment, Reader, read};
use super::variables::{VARIABLES, Variable};
use super::{File, Problems, Settings};

/// What was found out about a configuration. Names variables, never their values.
pub struct Examined {
    /// One for each variable there is.
    pub variables: Vec<Judged>,
    /// What is wrong and is said of no variable.
    pub problems: Vec<String>,
    /// What is odd and is said of no variable.
    pub warnings: Vec<String>,
    /// Whether this is production.
    pub production: bool,
    /// Whether a database is named.
    pub database: bool,
    /// What can be done with the variables that are right; nothing is read of the others.
    pub settings: Option<Settings>,
}

/// One variable of the environment.
pub struct Judged {
    /// Which.
    pub variable: &'static Variable,
    /// Whether the environment names it.
    pub set: bool,
    /// Why the server would not start with it.
    pub problem: Option<String>,
    /// What the server would warn of.
    pub warning: Option<String>,
}

impl Settings {
    /// Judges an environment and a settings file's text as the start of a server would, and goes on where that would stop.
    pub fn examine(environment: &Environment, file: Option<&str>) -> Examined {
        let (file, mut said) = match File::layered(file) {
            Ok(file) => (file, Vec::new()),
            Err(problem) => (File::embedded(), vec![problem]),
        };
        let mut reader = Reader::new(environment, Vec::new());
        let production = reader.production;
        let (settings, mut warned) = match read(&mut reader, file.clone()) {
            Ok(settings) => {
                let warnings = settings.warnings.clone();
                (Some(settings), warnings)
            }
            Err(Problems(problems)) => {
                said.extend(problems);
                (None, std::mem::take(&mut reader.warnings))
            }
        };
        let settings = settings.or_else(|| of_the_good_ones(environment, &said, &file));
        // It is production also when what says so is among what is wrong.
        let settings = settings.map(|settings| Self {
            production,
            ..settings
        });
        let variables = VARIABLES.iter().map(|variable| Judged {
            variable,
            set: environment.get(variable.name).is_some(),
            problem: take_of(&mut said, variable.name),
            warning: take_of(&mut warned, variable.name),
        });
        let variables: Vec<Judged> = variables.collect();
        let is_database = |judged: &&Judged| judged.variable.name == "DATABASE_URL";
        let database = variables.iter().find(is_database);
        Examined {
            database: database.is_some_and(|judged| judged.set && judged.problem.is_none()),
            variables,
            problems: said,
            warnings: warned,
            production,
            settings,
        }
    }
}

/// Variables that something is wrong with are left out until what remains can be read as a command reads it.
fn of_the_good_ones(environment: &Environment, problems: &[String], file: &File) -> Option<Settings> {
    let mut left: Environment = environment.clone();
    let mut problems = problems.to_vec();
    for _ in VARIABLES {
        let named = |name: &str| {
            problems
                .iter()
                .any(|problem| words(problem).any(|word| word == name))
        };
        left = left.iter().filter(|(name, _)| !named(name)).collect();
        if left.get("DATABASE_URL").is_none() {
            let nowhere = [("DATABASE_URL", "postgres://nowhere.invalid/")];
            left = left.iter().chain(nowhere).collect();
        }
        let mut reader = Reader::new(&left, Vec::new()).for_command();
        match read(&mut reader, file.clone()) {
            Ok(settings) => return Some(settings),
            Err(Problems(more)) => problems = more,
        }
    }
    None
}

/// What is said first of this variable; the same said twice goes with it.
fn take_of(said: &mut Vec<String>, name: &str) -> Option<String> {
    let is_about = |text: &String| words(text).find(|word| is_variable(word)) == Some(name);
    let found = said.iter().find(|text| is_about(text)).cloned();
    said.retain(|text| !is_about(text));
    found
}

fn is_variable(word: &str) -> bool {
    VARIABLES.iter().any(|variable| variable.name == word)
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_')
}
