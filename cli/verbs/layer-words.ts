/** Words that several verbs have for layers: where one comes from, why it is there, a table of rows, a warning. */
import type { FailureParts } from '../failure.ts';
import type { LayerRoot } from '../layers/layer.ts';
import type { Reason } from '../layers/order-layers.ts';
import { placeText } from '../ui/failure-text.ts';
import type { Session } from './verb.ts';

export function rootWords(root: LayerRoot): string {
  return root.commit === undefined ? root.label : `${root.label} at ${root.commit.slice(0, 12)}`;
}

export function rootData({ kind, directory, label, commit }: LayerRoot) {
  return { kind, label, directory, ...(commit === undefined ? {} : { commit }) };
}

export function reasonWords(reason: Reason): string {
  switch (reason.kind) {
    case 'asked':
      return 'asked for';
    case 'dependency':
      return `needed by ${reason.of}`;
    case 'default-base':
      return 'the default base';
    case 'skiffos-base':
      return "SkiffOS's own base";
    case 'overrides':
      return "the user's own";
  }
}

/** Columns as wide as their widest cell, two spaces apart; the last one is not padded. */
export function table(rows: readonly (readonly string[])[], indent = ''): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) => `${indent}${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}`.trimEnd())
    .join('\n');
}

/** Tells each once. */
export function warningsTo(session: Session): (warning: FailureParts) => void {
  const told = new Set<string>();
  return ({ message, place, layer, cause, hint }) => {
    const where = place === undefined ? (layer ?? '') : placeText(place, session.cwd);
    const text = where === '' ? message : `${where}: ${message}`;
    if (told.has(text)) return;
    told.add(text);
    session.report({
      kind: 'warning',
      text,
      ...(cause === undefined ? {} : { cause }),
      ...(hint === undefined ? {} : { hint }),
    });
  };
}
