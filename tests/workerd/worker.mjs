// D1 and KV of Cloudflare's own runtime, behind as much of the REST API as our client uses. What the API of production
// does before its stores (the token, the envelope, the codes of errors) is said here; what the stores do is theirs.

const PREFIX = /^\/client\/v4\/accounts\/[^/]+\/(?:d1\/database|storage\/kv\/namespaces)\/[^/]+\//;

const done = (result) => Response.json({ success: true, errors: [], messages: [], result });
const refused = (status, code, message) =>
  Response.json({ success: false, errors: [{ code, message }], messages: [], result: null }, { status });

async function query(request, env) {
  const { batch } = await request.json();
  try {
    const statements = batch.map(({ sql, params }) => env.DB.prepare(sql).bind(...(params ?? [])));
    const outcomes = await env.DB.batch(statements);
    return done(outcomes.map(({ success, results, meta }) => ({ success, results, meta })));
  } catch (error) {
    return refused(400, 7500, String(error));
  }
}

async function put(request, env) {
  const pairs = await request.json();
  try {
    for (const { key, value, expiration_ttl } of pairs) {
      await env.KV.put(key, value, { expirationTtl: expiration_ttl });
    }
  } catch (error) {
    return refused(400, 10022, String(error));
  }
  return done({ successful_key_count: pairs.length, unsuccessful_keys: [] });
}

async function remove(request, env) {
  const keys = await request.json();
  for (const key of keys) await env.KV.delete(key);
  return done({ successful_key_count: keys.length, unsuccessful_keys: [] });
}

async function value(key, env) {
  const found = await env.KV.get(key);
  return found === null ? refused(404, 10009, "get: 'key not found'") : new Response(found);
}

export default {
  async fetch(request, env) {
    if (request.headers.get("authorization") !== `Bearer ${env.TOKEN}`) {
      return refused(403, 10000, "Authentication error");
    }
    const { pathname } = new URL(request.url);
    const rest = PREFIX.test(pathname) ? pathname.replace(PREFIX, "") : "";
    switch (`${request.method} ${rest}`) {
      case "POST query":
        return query(request, env);
      case "PUT bulk":
        return put(request, env);
      case "POST bulk/delete":
        return remove(request, env);
      default:
        return request.method === "GET" && rest.startsWith("values/")
          ? value(decodeURIComponent(rest.slice("values/".length)), env)
          : refused(404, 7000, "No route");
    }
  },
};
