import { planBuild } from '../farm/plan.ts';
import { measureImage, type SizeReport, type SizeRow } from '../image/size-report.ts';
import { readTreeIndex } from '../rootfs/tree-index.ts';
import { mustBeThere, readImage } from '../run/image.ts';
import { commandLine } from '../workspace/command-line.ts';
import { chooseWorkspaces, namesOf, ORDER_OPTION } from './chosen-workspaces.ts';
import { numberOption } from './number-option.ts';
import { defineVerb } from './verb.ts';

/** Files of any image. */
const MOST_ROWS = 1_000_000;

export const size = defineVerb({
  command: 'size [workspace]',
  summary: 'Show what takes the room in an image',
  details: `
Looks at what the last build made: by package, layer and effect, by directory, and the largest files. The bytes in
root.squashfs are an estimate, since small files share blocks; their sum is exact.

    coracle size
    coracle size qemu --top 40
    coracle size qemu --json
`,
  positionals: {
    workspace: { type: 'string', describe: 'A name in coracle.yaml, or a comma-separated list of layers' },
  },
  options: {
    ...ORDER_OPTION,
    top: {
      default: 15,
      ...numberOption('top', { describe: 'Rows of each table; --json has all', least: 1, most: MOST_ROWS }),
    },
  },
  run: async (args, session) => {
    const { project, configs } = await chooseWorkspaces(session, {
      names: namesOf(args['workspace']),
      skiffOrder: args.skiffOrder,
    });
    const reports: { readonly workspace: string; readonly report: SizeReport }[] = [];
    for (const config of configs) {
      const plan = planBuild(config, {
        installation: session.installation,
        project: project.directory,
        variables: session.environment,
        offline: true,
      });
      const image = await readImage({ ...plan, name: config.workspace, build: commandLine('build', config) });
      await mustBeThere(image, [plan.root]);
      const report = measureImage(await readTreeIndex(plan.root), image.facts);
      reports.push({ workspace: config.workspace, report });
    }
    session.report({
      kind: 'result',
      value: reports.map(({ workspace, report }) => ({ workspace, ...report })),
      text: reports.map(({ workspace, report }) => reportText(workspace, report, args.top)).join('\n\n'),
    });
    return 0;
  },
});

function reportText(workspace: string, report: SizeReport, top: number): string {
  const { root } = report;
  return [
    workspace,
    ...table([['MB', 'file'], ...report.slot.map(({ path, size: bytes }) => [megabytes(bytes), path])]),
    '',
    `  root.squashfs is ${root.files} files of ${megabytes(root.unpacked)} MB, packed to ${megabytes(root.packed)} MB;`,
    `  its hash tree takes ${megabytes(root.verity)} MB more`,
    ...section('by origin', report.origins, top),
    ...section('by directory', report.directories, top),
    ...section('largest files', report.largest, top),
  ].join('\n');
}

function section(title: string, rows: readonly SizeRow[], top: number): readonly string[] {
  const rest = rows.slice(top);
  const cells = rows.slice(0, top).map((row) => [megabytes(row.packed), megabytes(row.unpacked), row.name]);
  if (rest.length > 0)
    cells.push([megabytes(sum(rest, 'packed')), megabytes(sum(rest, 'unpacked')), `${rest.length} more`]);
  return ['', ...table([['packed MB', 'unpacked MB', title], ...cells])];
}

function sum(rows: readonly SizeRow[], field: 'packed' | 'unpacked'): number {
  return rows.reduce((all, row) => all + row[field], 0);
}

/** Numbers to the right, the last column to the left. */
function table(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cell: string, column: number, { length }: readonly string[]): string =>
    column === length - 1 ? cell : cell.padStart(widths[column] ?? 0);
  return rows.map((row) => `  ${row.map((cell, column) => line(cell, column, row)).join('  ')}`);
}

/** Decimal megabytes. */
function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(2);
}
