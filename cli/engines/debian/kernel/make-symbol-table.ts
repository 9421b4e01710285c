/**
 * Writes symbol-modules.txt anew: `node make-symbol-table.ts <kernel source> <config>…`. Of the source's symbols those are
 * kept that one of the configurations (of the distribution's kernels) has as a module.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readDotConfig } from '../../../kconfig/dotconfig.ts';
import { formatSymbolModules, readKbuildModules, withoutGuessable } from './kbuild-modules.ts';

const HEAD = `# The modules that kernel symbols stand for, where it is not simply the symbol in lower case. Made from a kernel's build
# files and Debian's configurations by make-symbol-table.ts; one line a symbol: SYMBOL module...
`;

const [source, ...configs] = process.argv.slice(2);
if (source === undefined || configs.length === 0) {
  process.stderr.write('usage: node make-symbol-table.ts <kernel source> <config>...\n');
  process.exit(1);
}
const modular = new Set<string>();
for (const file of configs) {
  for (const [symbol, value] of readDotConfig(file, file)) if (value.value === 'm') modular.add(symbol);
}
const symbols = [...readKbuildModules(source)].filter(([symbol]) => modular.has(symbol));
writeFileSync(
  join(import.meta.dirname, 'symbol-modules.txt'),
  HEAD + formatSymbolModules(withoutGuessable(new Map(symbols))),
);
