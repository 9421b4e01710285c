/** `coracle doctor`: what this machine lacks, why it is needed, and how to get it. */
import { checkHost, type HostReport, hostReportText } from '../host/doctor.ts';
import { installAdvice, installCommands, installMissing, terminalQuestion } from '../host/doctor-install.ts';
import { PURPOSE_GROUPS, PURPOSES, type Purpose } from '../host/host-packages.ts';
import { requiredRust } from '../host/rust-toolchain.ts';
import { thisHost } from '../host/this-host.ts';
import { defineVerb } from './verb.ts';

const CHOICES = [...new Set(['all', 'build', 'run', ...PURPOSES])];

export const doctor = defineVerb({
  command: 'doctor',
  summary: 'Say what this machine lacks, and install it with --fix',
  details: `
Without options it looks for what building and running images of both architectures needs. Exit code 0: everything is
there; 1: something is missing.

\`--fix\` installs with apt: it asks on a terminal, and goes ahead with \`--yes\`, or when it runs as root without a
terminal. Where it may not install, it prints the command.

    coracle doctor --for run
    coracle doctor --fix --yes
`,
  options: {
    for: {
      type: 'array',
      string: true,
      choices: CHOICES,
      default: ['build', 'run'],
      describe: 'What you want to do',
    },
    fix: { type: 'boolean', default: false, describe: 'Install what is missing, with apt' },
    yes: { type: 'boolean', alias: 'y', default: false, describe: 'Do not ask' },
  },
  run: async (args, session) => {
    const purposes = [...new Set(args.for.flatMap(expand))];
    const host = thisHost();
    const rust = requiredRust(session.installation);
    let report = await checkHost(host, purposes, rust);
    if (args.fix && report.missing.length > 0) {
      await installMissing(report, session, { yes: args.yes, ask: terminalQuestion() });
      report = await checkHost(host, purposes, rust);
    }
    const commands = report.missing.length === 0 ? [] : installCommands(host, report.packages);
    session.report({
      kind: 'result',
      value: {
        distribution: report.distribution.name,
        arch: host.arch,
        purposes,
        missing: report.missing.map(({ name, packages, why }) => ({ name, packages, why })),
        found: report.findings.flatMap(({ need, found }) => (found === undefined ? [] : [{ name: need.name, found }])),
        install: commands,
      },
      text:
        report.missing.length === 0
          ? hostReportText(report)
          : `${hostReportText(report)}\n\nTo install${howToInstall(report)}`,
    });
    return report.missing.length === 0 ? 0 : 1;
  },
});

/** `--fix` would only tell an ordinary user what can be told here. */
function howToInstall(report: HostReport): string {
  const byHand = !report.host.isRoot && report.distribution.debianLike;
  return byHand ? `, ${installAdvice(report)}` : ': coracle doctor --fix';
}

function expand(choice: string): readonly Purpose[] {
  if (choice === 'build' || choice === 'run' || choice === 'all') return PURPOSE_GROUPS[choice];
  return PURPOSES.filter((purpose) => purpose === choice);
}
