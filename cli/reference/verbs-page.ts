/** The reference page of the verbs, from the verbs themselves. */
import type { Options } from 'yargs';
import type { Verb } from '../verbs/verb.ts';
import type { VerbEntry } from '../verbs/verbs.ts';

export async function verbsPage(
  entries: readonly VerbEntry[],
  globals: Readonly<Record<string, Options>>,
): Promise<string> {
  const verbs = await Promise.all(entries.map((entry) => entry.load()));
  return [
    '# Verbs',
    '',
    '<!-- Made from the verbs in cli/verbs/; `vitest run cli/reference -u` writes it anew. -->',
    '',
    'Exit codes: 0 good, 1 your input or the build failed, 2 a bug in Coracle, 130 stopped by you.',
    'Data goes to stdout, talk to stderr.',
    '',
    '| verb | what it does |',
    '|---|---|',
    ...verbs.map((verb) => `| [\`${verb.command}\`](#${anchor(verb)}) | ${cell(verb.summary)} |`),
    '',
    'Every verb takes:',
    '',
    ...optionTable(globals),
    '',
    ...verbs.flatMap(verbSection),
  ].join('\n');
}

function verbSection(verb: Verb): string[] {
  const positionals = Object.entries(verb.positionals ?? {});
  return [
    `## ${nameOf(verb)}`,
    '',
    `\`coracle ${verb.command}\`: ${verb.summary}.`,
    '',
    ...(verb.details === undefined ? [] : [verb.details.trim(), '']),
    ...(positionals.length === 0 ? [] : [...positionalTable(positionals), '']),
    ...(Object.keys(verb.options).length === 0 ? [] : [...optionTable(verb.options), '']),
  ];
}

function positionalTable(positionals: readonly [string, Options][]): string[] {
  return ['| argument | meaning |', '|---|---|', ...positionals.map(([name, o]) => `| \`${name}\` | ${meaning(o)} |`)];
}

function optionTable(options: Readonly<Record<string, Options>>): string[] {
  return [
    '| option | meaning |',
    '|---|---|',
    ...Object.entries(options)
      .filter(([, option]) => option.hidden !== true)
      .map(([name, option]) => `| ${optionName(name, option)} | ${meaning(option)} |`),
  ];
}

function optionName(name: string, option: Options): string {
  const aliases = [option.alias ?? []].flat().map((alias) => (alias.length === 1 ? `-${alias}` : `--${alias}`));
  const shown = option.type === 'boolean' && option.default === true ? `--no-${name}` : `--${name}`;
  return [...aliases, shown].map((word) => `\`${word}\``).join(', ');
}

function meaning(option: Options): string {
  const choices = option.choices === undefined ? '' : ` (${option.choices.map((c) => `\`${String(c)}\``).join(', ')})`;
  const fallback =
    option.default === undefined || typeof option.default === 'boolean'
      ? ''
      : `; default \`${String(option.default)}\``;
  return cell(`${option.describe ?? option.description ?? ''}${choices}${fallback}`);
}

function nameOf(verb: Verb): string {
  return verb.command.split(' ')[0] ?? verb.command;
}

/** As GitHub makes anchors of headings. */
function anchor(verb: Verb): string {
  return nameOf(verb).toLowerCase();
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}
