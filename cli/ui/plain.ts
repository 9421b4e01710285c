/** One line an event, for logs and CI: on stderr, so that stdout stays for data. */

import type { Event, Report } from './events.ts';
import { failureText } from './failure-text.ts';

export function plainReport(out: NodeJS.WritableStream, err: NodeJS.WritableStream, cwd: string): Report {
  const titles = new Map<string, string>();
  const say = (text: string): void => {
    err.write(`${text}\n`);
  };
  return (event: Event): void => {
    switch (event.kind) {
      case 'plan':
        for (const { step, title } of event.steps) titles.set(step, title);
        return;
      case 'step-started':
        titles.set(event.step, event.title);
        say(`[${event.step}] ${event.title}`);
        return;
      case 'step-progress':
        return;
      case 'step-ended':
        say(endLine(event, titles.get(event.step)));
        return;
      case 'note':
        say(event.step === undefined ? event.text : `[${event.step}] ${event.text}`);
        return;
      case 'warning':
        say(warningText(event));
        return;
      case 'failure':
        say(failureText(event.failure, cwd));
        return;
      case 'output':
        (event.stream === 'stdout' ? out : err).write(event.data);
        return;
      case 'result':
        if (event.text !== '') out.write(event.text.endsWith('\n') ? event.text : `${event.text}\n`);
        return;
    }
  };
}

export function warningText(event: Extract<Event, { kind: 'warning' }>): string {
  const step = event.step === undefined ? '' : `[${event.step}] `;
  const cause = event.cause === undefined ? '' : `\n  ${event.cause.replaceAll('\n', '\n  ')}`;
  const hint = event.hint === undefined ? '' : `\n  hint: ${event.hint}`;
  return `warning: ${step}${event.text}${cause}${hint}`;
}

function endLine(event: Extract<Event, { kind: 'step-ended' }>, title: string | undefined): string {
  const words = { done: 'done', fresh: 'nothing to do', failed: 'FAILED', stopped: 'stopped' };
  const time = event.outcome === 'fresh' ? '' : ` in ${seconds(event.ms)}`;
  return `[${event.step}] ${title === undefined ? '' : `${title}: `}${words[event.outcome]}${time}`;
}

export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
