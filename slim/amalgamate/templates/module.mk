# Builds @FILE@.wasm, for @description@.
CC = @compiler@
CFLAGS = @flags@
LDFLAGS = @link@
LDLIBS = @libs@

all: @FILE@.wasm

@FILE@.wasm: @FILE@.c
	$(CC) $(CFLAGS) $(LDFLAGS) @FILE@.c $(LDLIBS) -o $@

run: @FILE@.wasm
	@runner@ example.mjs

clean:
	rm -f @FILE@.wasm

.PHONY: all run clean
