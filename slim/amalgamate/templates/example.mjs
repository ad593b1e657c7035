/* Runs @FILE@ in Node.js and prints what it says.
 *
 *   node example.mjs [--save PREFIX] [--runs N] [INPUT.bin ...]
 *
 * An input file holds the raw little-endian elements of one input; inputs without a file are zeros. --save writes each
 * output's raw elements to PREFIX0.bin, PREFIX1.bin, ... */
import { readFileSync, writeFileSync } from "node:fs";
import { argv } from "node:process";
import { inputs, open, outputs } from "./@FILE@.mjs";

const files = [];
let prefix = null, runs = 5;
for (let i = 2; i < argv.length; i++) {
    if (argv[i] === "--save")
        prefix = argv[++i];
    else if (argv[i] === "--runs")
        runs = Math.max(1, Number.parseInt(argv[++i]) || 1);
    else
        files.push(argv[i]);
}

const values = Object.fromEntries(inputs.map((end, i) => {
    const bytes = i < files.length ? new Uint8Array(readFileSync(files[i])) : new Uint8Array(end.count * end.type.BYTES_PER_ELEMENT);
    return [end.name, new end.type(bytes.buffer)];
}));

const net = await open();
const ms = [];
let results;
for (let i = 0; i < runs; i++) {
    const start = performance.now();
    results = net.run(values);
    ms.push(performance.now() - start);
}
net.close();

ms.sort((a, b) => a - b);
console.log(`${ms[runs >> 1].toFixed(3)} ms (median of ${runs} runs, fastest ${ms[0].toFixed(3)} ms)`);
outputs.forEach((end, i) => {
    const real = Array.from(results[end.name], (x) => end.scale ? (Number(x) - end.zeroPoint) * end.scale : Number(x));
    const best = real.map((x, index) => [x, index]).sort((a, b) => b[0] - a[0]).slice(0, 5);
    console.log(`${end.name}: ${end.count} values, the largest: ${best.map(([x, at]) => `[${at}] ${x.toPrecision(6)}`).join(" ")}`);
    if (prefix !== null)
        writeFileSync(`${prefix}${i}.bin`, results[end.name]);
});
