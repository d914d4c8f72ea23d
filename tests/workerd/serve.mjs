// node serve.mjs FOLDER TOKEN: runs worker.mjs on a free port of this machine with the miniflare of FOLDER, prints the
// address, and ends when its standard input does.

import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

const [folder, token] = process.argv.slice(2);
const { Miniflare } = createRequire(`${folder}/`)("miniflare");
const workerd = new Miniflare({
  host: "127.0.0.1",
  port: 0,
  modules: true,
  scriptPath: fileURLToPath(new URL("worker.mjs", import.meta.url)),
  compatibilityDate: "2026-04-01",
  bindings: { TOKEN: token },
  d1Databases: { DB: "metadata" },
  kvNamespaces: { KV: "edge" },
});
console.log((await workerd.ready).origin);
process.stdin.resume();
process.stdin.on("end", async () => {
  await workerd.dispose();
  process.exit(0);
});
