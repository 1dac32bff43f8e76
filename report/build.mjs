// Builds dist/, which the Rust crate takes in: one script, one style, the page around them and
// the licences of what is bundled. With --check it says whether dist/ is what it would build.
import { build } from "esbuild";
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from "node:fs";

const common = { bundle: true, minify: true, write: false, target: "es2021", logLevel: "warning" };
const script = await build({
  ...common,
  entryPoints: ["src/main.js"],
  format: "iife",
  legalComments: "none",
  charset: "ascii",
  metafile: true,
});
const style = await build({ ...common, entryPoints: ["src/page.css"] });

function licences(metafile) {
  const names = new Set();
  for (const input of Object.keys(metafile.inputs)) {
    const found = /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(input);
    if (found) names.add(found[1]);
  }
  const texts = [...names].sort().map((name) => {
    const folder = `node_modules/${name}`;
    const { version, license } = JSON.parse(readFileSync(`${folder}/package.json`, "utf8"));
    const files = readdirSync(folder, { recursive: true }).filter((file) =>
      /^(licen[cs]es\/)?(LICEN[CS]E|NOTICE|COPYING)[^/]*$/.test(file) && statSync(`${folder}/${file}`).isFile(),
    );
    if (files.length === 0) throw new Error(`${name} has no licence file`);
    const body = files.sort().map((file) => readFileSync(`${folder}/${file}`, "utf8").trim());
    return `${name} ${version} (${license})\n\n${body.join("\n\n")}\n`;
  });
  return `What page.js bundles, each part under its own licence.\n\n${texts.join(`\n${"=".repeat(78)}\n\n`)}`;
}

const built = {
  "page.js": script.outputFiles[0].text,
  "page.css": style.outputFiles[0].text,
  "page.html": readFileSync("src/page.html", "utf8"),
  "THIRD-PARTY.txt": licences(script.metafile),
};
const most = 600_000;
if (built["page.js"].length > most) {
  throw new Error(`page.js has ${built["page.js"].length} bytes, more than ${most}`);
}
if (process.argv.includes("--check")) {
  const other = Object.keys(built).filter(
    (name) => !existsSync(`dist/${name}`) || readFileSync(`dist/${name}`, "utf8") !== built[name],
  );
  if (other.length > 0) {
    console.error(`not what the sources make: dist/${other.join(", dist/")}; run npm run build`);
    process.exit(1);
  }
  console.log("dist/ is what the sources make");
} else {
  mkdirSync("dist", { recursive: true });
  for (const [name, text] of Object.entries(built)) {
    writeFileSync(`dist/${name}`, text);
    console.log(`dist/${name}: ${text.length} bytes`);
  }
}
