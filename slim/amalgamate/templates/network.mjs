/* @FILE@: a trained network for JavaScript, in browsers and in Node.js.
 *
 *   import { open } from "./@FILE@.mjs";
 *   const net = await open();
 *   const { @first_output@: values } = net.run({ @first_input@: new @first_type@(@first_count@) });
 *   net.close();
 */

/* Shapes are those of dense arrays, last axis fastest. Where `scale` is not 0, real = (stored - zeroPoint) * scale. */
export const inputs = [
@input_rows@
];
export const outputs = [
@output_rows@
];

const NET_BYTES = 256;    /* more than its struct has; @FILE@.c asserts it */
const ALIGNMENT = 64;     /* of a program */

/* The network, opened. `module`: the bytes of @FILE@.wasm, or a WebAssembly.Module@or_program@. What is not given is
 * read from beside this file. */
export async function open({ module@program_argument@ } = {}) {
    module ??= await read("@FILE@.wasm");
    if (!(module instanceof WebAssembly.Module))
        module = await WebAssembly.compile(module);
    const instance = await WebAssembly.instantiate(module, {});
@SEPARATE{
    return new Network(instance.exports, program ?? await read("@FILE@.slim"));
@}
@EMBEDDED{
    return new Network(instance.exports);
@}
}

async function read(file) {
    const url = new URL(file, import.meta.url);
    if (url.protocol === "file:" && globalThis.process?.versions?.node) {
        const { readFile } = await import("node:fs/promises");
        return readFile(url);
    }
    const response = await fetch(url);
    if (!response.ok)
        throw new Error(`${url}: ${response.status} ${response.statusText}`);
    return new Uint8Array(await response.arrayBuffer());
}

class Network {
    #c;
    #net = 0;
    #memory = [];     /* what to give back */
    #inputs;
    #outputs;

@SEPARATE{
    constructor(c, program) {
        const bytes = program instanceof Uint8Array ? program : new Uint8Array(program);
@}
@EMBEDDED{
    constructor(c) {
@}
        this.#c = c;
        c._initialize?.();
        this.#net = this.#allocate(NET_BYTES);
        this.#bytes(this.#net, NET_BYTES).fill(0);
@SEPARATE{
        const at = Math.ceil(this.#allocate(bytes.length + ALIGNMENT) / ALIGNMENT) * ALIGNMENT;
        this.#bytes(at, bytes.length).set(bytes);
        this.#check(c.@name@_open_bytes(this.#net, at, bytes.length, 1));
@}
@EMBEDDED{
        this.#check(c.@name@_open(this.#net, 1));
@}
        this.#inputs = inputs.map((end) => this.#allocate(end.count * end.type.BYTES_PER_ELEMENT));
        this.#outputs = outputs.map((end) => this.#allocate(end.count * end.type.BYTES_PER_ELEMENT));
    }

    /* An array for each input, by name, to an array for each output, by name. */
    run(values) {
        if (!this.#net)
            throw new Error("@FILE@: it is closed");
        inputs.forEach((end, i) => {
            const value = values[end.name];
            if (!(value instanceof end.type) || value.length !== end.count)
                throw new TypeError(`input ${end.name} is not a ${end.type.name} of ${end.count} elements`);
            new end.type(this.#c.memory.buffer, this.#inputs[i], end.count).set(value);
        });
        this.#check(this.#c.@name@_run(this.#net, ...this.#inputs, ...this.#outputs));
        return Object.fromEntries(outputs.map(
            (end, i) => [end.name, new end.type(this.#c.memory.buffer, this.#outputs[i], end.count).slice()]));
    }

    /* Gives the memory back; the network cannot run any more. */
    close() {
        if (this.#net)
            this.#c.@name@_close(this.#net);
        this.#net = 0;
        this.#memory.splice(0).forEach((pointer) => this.#c.free(pointer));
    }

    #allocate(bytes) {
        const pointer = this.#c.malloc(bytes) >>> 0;
        if (!pointer)
            throw new Error(`@FILE@: no memory for ${bytes} bytes`);
        this.#memory.push(pointer);
        return pointer;
    }

    #bytes(pointer, count) {
        return new Uint8Array(this.#c.memory.buffer, pointer, count);
    }

    #check(status) {
        if (status === 0)
            return;
        const all = new Uint8Array(this.#c.memory.buffer), at = this.#c.@name@_error(this.#net) >>> 0;
        throw new Error(`@FILE@: ${new TextDecoder().decode(all.subarray(at, all.indexOf(0, at)))}`);
    }
}
