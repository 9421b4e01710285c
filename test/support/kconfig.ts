/** Kconfig files and configurations for tests, from text. */
import { type DotConfig, parseDotConfig } from '../../cli/kconfig/dotconfig.ts';
import type { KconfigModel } from '../../cli/kconfig/language/model.ts';
import { type KconfigSource, readKconfig } from '../../cli/kconfig/language/read-kconfig.ts';
import { treeOf } from './files.ts';

/** @param files of which `Kconfig` is read first */
export function modelOf(
  files: string | Readonly<Record<string, string>>,
  more: Partial<KconfigSource> = {},
): KconfigModel {
  const tree = treeOf(typeof files === 'string' ? { Kconfig: files } : files);
  return readKconfig({ tree, file: 'Kconfig', dialect: 'macros', prefix: 'CONFIG_', variables: {}, ...more });
}

/** @param lines as in a `.config`, without its prefix: `A=y` */
export function configOf(...lines: readonly string[]): DotConfig {
  return parseDotConfig(lines.map((line) => `CONFIG_${line}\n`).join(''), { file: '.config', layer: 'test' });
}
