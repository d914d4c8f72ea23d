//! Whose account it is.

/// The account: its keys, and who owns the documents.
#[derive(Debug, Clone)]
pub struct Account {
    /// `APP_ID`, which every question names.
    pub app_id: String,
    /// `APP_SECRET`, which signs every question.
    pub app_secret: String,
    /// Who owns the documents.
    pub owner: String,
    /// The owner's address.
    pub email: String,
    /// Decides on every id; the same seed makes the same ones.
    pub seed: u64,
}

impl Account {
    /// A company's account.
    pub fn new(app_id: &str, app_secret: &str) -> Self {
        Self {
            app_id: app_id.to_owned(),
            app_secret: app_secret.to_owned(),
            owner: "OnlyCar".to_owned(),
            email: "contratos@onlycar.example".to_owned(),
            seed: 1,
        }
    }
}
