// Runs a WebAssembly command, which may read the files of the folder: node wasi.mjs FILE ARGUMENT ...
import { readFile } from "node:fs/promises";
import { argv, cwd } from "node:process";
import { WASI } from "node:wasi";

const wasi = new WASI({ version: "preview1", args: argv.slice(2), preopens: { ".": cwd() }, returnOnExit: true });
const module = await WebAssembly.compile(await readFile(argv[2]));
process.exitCode = wasi.start(await WebAssembly.instantiate(module, { wasi_snapshot_preview1: wasi.wasiImport }));
