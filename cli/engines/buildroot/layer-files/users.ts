/** The users tables of layers as one, for Buildroot. */
import { readFileSync } from 'node:fs';
import type { Failure } from '../../../failure.ts';
import type { Layer } from '../../../layers/layer.ts';
import { parseUsersTable } from '../../../rootfs/users-table.ts';

export interface LayerUsers {
  /** The tables one after the other. */
  readonly text: string;
  /** Their mistakes; the debian engine's check says more than Buildroot's own script. */
  readonly failures: readonly Failure[];
}

export function layerUsers(layers: readonly Layer[]): LayerUsers {
  const failures: Failure[] = [];
  let text = '';
  for (const { name, contents } of layers) {
    for (const file of contents.users) {
      const table = readFileSync(file, 'utf8');
      failures.push(...parseUsersTable(table, file, name).failures);
      text += table.endsWith('\n') ? table : `${table}\n`;
    }
  }
  return { text, failures };
}
