/**
 * The live tree on a terminal (listr2): a group for each workspace, a line for each step with its progress. Everything
 * else that is said meanwhile is printed above the tree.
 */
import type { ListrTask } from 'listr2';
import type { Event, Report } from './events.ts';
import { seconds } from './plain.ts';

interface LiveStep {
  readonly title: string;
  readonly ended: PromiseWithResolvers<Extract<Event, { kind: 'step-ended' }>>;
  /** Whether it was begun at all. */
  readonly begun: PromiseWithResolvers<boolean>;
  task?: { output: string };
}

export interface LiveReport {
  readonly report: Report;
  /** Draws the last state and gives the terminal back. */
  readonly close: () => Promise<void>;
}

/**
 * Draws from the first step that has something to do: listr2 takes longer to load than a build with nothing to do takes.
 *
 * @param fallback renders what has no place in the tree: results, failures, and all before the first step
 */
export function liveReport(fallback: Report): LiveReport {
  const steps = new Map<string, LiveStep>();
  const held: Event[] = [];
  let running: Promise<unknown> | undefined;
  const close = async (): Promise<void> => {
    for (const step of steps.values()) {
      step.begun.resolve(false);
      step.ended.resolve({ kind: 'step-ended', step: '', outcome: 'stopped', ms: 0 });
    }
    await running?.catch(() => undefined);
    running = undefined;
    for (const event of held.splice(0)) fallback(event);
  };
  const report: Report = (event) => {
    if (event.kind === 'plan' && running === undefined) {
      for (const { step, title } of event.steps) {
        steps.set(step, { title, ended: Promise.withResolvers(), begun: Promise.withResolvers() });
      }
      return;
    }
    const step = 'step' in event && event.step !== undefined ? steps.get(event.step) : undefined;
    if (event.kind === 'step-started' && step !== undefined) running ??= draw(steps);
    if (event.kind === 'step-ended' && step !== undefined) {
      step.begun.resolve(true);
      step.ended.resolve(event);
    } else if (running === undefined) fallback(event);
    else if (event.kind === 'step-started') step?.begun.resolve(true);
    else if (event.kind === 'step-progress') show(step, progressText(event));
    else if (event.kind === 'note' && step !== undefined) show(step, event.text);
    else if (!event.kind.startsWith('step-')) held.push(event);
  };
  return { report, close };
}

function show(step: LiveStep | undefined, text: string): void {
  if (step?.task !== undefined) step.task.output = text;
}

function progressText(event: Extract<Event, { kind: 'step-progress' }>): string {
  if (event.total === undefined) return event.text;
  return `${event.text} (${event.done ?? 0} of ${event.total}${event.unit === undefined ? '' : ` ${event.unit}`})`;
}

async function draw(steps: ReadonlyMap<string, LiveStep>): Promise<unknown> {
  const { Listr, ListrTaskState } = await import('listr2');
  const groups = Map.groupBy(steps.entries(), ([id]) => id.split('/')[0] ?? id);
  // Several workspaces do not fit a terminal with all of their steps: of each, those are shown that are at work.
  const brief = groups.size > 1;
  const stepTask = (step: LiveStep, count: () => void): ListrTask => ({
    title: brief ? '' : step.title,
    task: async (_, task) => {
      // listr2 starts everything at once, and would show what waits as if it worked.
      task.task.state$ = ListrTaskState.WAITING;
      const begun = await step.begun.promise;
      task.task.state$ = ListrTaskState.STARTED;
      if (!begun) return task.skip(brief ? '' : `${step.title} (not begun)`);
      task.title = step.title;
      step.task = task;
      const end = await step.ended.promise;
      if (end.outcome === 'failed' || end.outcome === 'stopped') {
        task.title = `${step.title} (${end.outcome})`;
        throw new Error(task.title);
      }
      count();
      if (brief) task.title = '';
      else if (end.outcome === 'done') task.title = `${step.title} (${seconds(end.ms)})`;
      else task.skip(`${step.title} (nothing to do)`);
    },
  });
  const tasks = [...groups].map(
    ([group, members]): ListrTask => ({
      title: group,
      task: (_, parent) => {
        let ended = 0;
        const count = (): void => {
          ended += 1;
          if (brief) parent.title = `${group} (${ended} of ${members.length})`;
        };
        return parent.newListr(
          members.map(([, step]) => stepTask(step, count)),
          { concurrent: true, exitOnError: false },
        );
      },
    }),
  );
  return new Listr(tasks, {
    concurrent: true,
    exitOnError: false,
    rendererOptions: { collapseSubtasks: false, showErrorMessage: false },
    registerSignalListeners: false,
  }).run();
}
