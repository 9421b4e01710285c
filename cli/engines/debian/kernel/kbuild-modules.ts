/**
 * Which modules a Kconfig symbol stands for, read from a kernel's own build files: `obj-$(CONFIG_VIRTIO_FS) += virtiofs.o`.
 * Exact for the source that is compiled; for packages, a table that was made with it ships (symbol-modules.txt).
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { moduleName } from './modinfo.ts';

/** Symbol (with its prefix) → module names, sorted. */
export type SymbolModules = ReadonlyMap<string, readonly string[]>;

/** Parts of the source that build no modules of the kernel. */
const LEFT_OUT = new Set(['Documentation', 'LICENSES', 'samples', 'scripts', 'tools', 'usr', '.git']);
/** `obj-$(CONFIG_A)`, or `obj-$(subst y,$(CONFIG_A),$(CONFIG_B))`, where the last symbol decides. */
const OBJECTS = /^[ \t]*obj-\$\((?:subst [^)]*\),\s*\$\()?(CONFIG_\w+)\)*\s*[+:]?=(.*)$/gm;

export function readKbuildModules(source: string): SymbolModules {
  const found = new Map<string, Set<string>>();
  for (const file of buildFiles(source, '')) {
    const text = readFileSync(join(source, file), 'utf8').replace(/\\\n/g, ' ');
    for (const [, symbol = '', objects = ''] of text.matchAll(OBJECTS)) {
      const names = (objects.split('#')[0] ?? '').split(/\s+/).filter((word) => word.endsWith('.o'));
      const modules = found.get(symbol) ?? new Set();
      for (const name of names) modules.add(moduleName(name.slice(name.lastIndexOf('/') + 1, -2)));
      found.set(symbol, modules);
    }
  }
  const filled = [...found].filter(([, modules]) => modules.size > 0);
  return new Map(filled.sort(([a], [b]) => (a < b ? -1 : 1)).map(([symbol, modules]) => [symbol, [...modules].sort()]));
}

function* buildFiles(source: string, below: string): Generator<string> {
  for (const entry of readdirSync(join(source, below), { withFileTypes: true })) {
    const path = below === '' ? entry.name : `${below}/${entry.name}`;
    if (entry.isDirectory() && !LEFT_OUT.has(path)) yield* buildFiles(source, path);
    else if (entry.isFile() && /^(?:Makefile|Kbuild)$/.test(entry.name)) yield path;
  }
}

/** `SYMBOL module module`, without the prefix. */
export function formatSymbolModules(symbols: SymbolModules): string {
  let text = '';
  for (const [symbol, modules] of symbols) text += `${symbol.slice(PREFIX.length)} ${modules.join(' ')}\n`;
  return text;
}

/** Those that a reader could not guess: of more than one module, or of one that has another name. */
export function withoutGuessable(symbols: SymbolModules): SymbolModules {
  return new Map(
    [...symbols].filter(([symbol, modules]) => modules.length !== 1 || modules[0] !== guessModule(symbol)),
  );
}

/** Module name → symbols that make it. */
export function symbolsByModule(symbols: SymbolModules): ReadonlyMap<string, readonly string[]> {
  const byModule = new Map<string, string[]>();
  for (const [symbol, modules] of symbols) {
    for (const name of modules) byModule.set(name, [...(byModule.get(name) ?? []), symbol]);
  }
  return byModule;
}

export function parseSymbolModules(text: string): SymbolModules {
  const symbols = new Map<string, readonly string[]>();
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const [symbol = '', ...modules] = line.split(' ');
    symbols.set(PREFIX + symbol, modules);
  }
  return symbols;
}

const PREFIX = 'CONFIG_';

/** The module that a symbol most likely stands for. */
export function guessModule(symbol: string): string {
  return symbol.slice(PREFIX.length).toLowerCase();
}
