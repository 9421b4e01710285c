import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { failuresOf } from '../../test/support/files.ts';
import { renderTemplate } from './template.ts';

const values = { hostname: 'pi <4> & "co"', port: '8080', empty: '', layers: ['base/mini', 'core/podman'] };
const render = (text: string): Promise<string> => renderTemplate(text, '/l/etc/x.hbs', values);

describe('templates', () => {
  test.each([
    ['{{hostname}}', 'pi <4> & "co"'],
    ['{{{port}}}:{{ port }}', '8080:8080'],
    ['{{#each layers}}{{@index}}={{this}} {{/each}}', '0=base/mini 1=core/podman '],
    ['{{#each layers as |name|}}{{name}};{{/each}}', 'base/mini;core/podman;'],
    ['{{#if empty}}a{{else}}b{{/if}}{{#unless port}}c{{/unless}}', 'b'],
    ['{{#each layers}}{{../port}} {{/each}}', '8080 8080 '],
    ['{{lookup layers 0}}', 'base/mini'],
    ['\\{{port}} {{!-- gone --}}$(x) `y`', '{{port}} $(x) `y`'],
    ['no braces\r\nat all', 'no braces\r\nat all'],
    ['', ''],
  ])('%j is %j', async (text, result) => {
    expect(await render(text)).toBe(result);
  });

  test('text without braces is left as it is', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.string({ unit: 'grapheme' }).filter((text) => !/[{}\\]/.test(text)),
        async (text) => {
          expect(await render(text)).toBe(text);
        },
      ),
    );
  });

  test('an unknown name is a failure with line, column and the known names, wherever it stands', async () => {
    const found = await failuresOf(() =>
      render('a\n b {{hostnme}}\n{{#if prt}}{{/if}}{{#each lyers}}{{/each}}{{lookup nope 0}}'),
    );
    expect(found.map(({ code, place }) => [code, place?.line, place?.column])).toEqual([
      ['unknown-variable', 2, 6],
      ['unknown-variable', 3, 7],
      ['unknown-variable', 3, 27],
      ['unknown-variable', 3, 52],
    ]);
    expect(found[0]?.message).toContain('hostnme');
    expect(found[0]?.hint).toContain('empty, hostname, layers, port');
    expect(found[0]?.place?.file).toBe('/l/etc/x.hbs');
  });

  test.each(['constructor', '__proto__', 'toString', 'log port', 'helperMissing'])(
    '{{%s}} reaches nothing',
    async (name) => {
      expect((await failuresOf(() => render(`{{${name}}}`)))[0]?.code).toBe('unknown-variable');
    },
  );

  test.each([
    ['{{port', 1],
    ['x\n{{#if port}}\n{{/each}}', 2],
    ['\n\n{{> header}}', 3],
    ['{{port.deeper.still}}', 1],
    ['{{#each}}{{/each}}', undefined],
  ])('%j is a failure with its line', async (text, line) => {
    const [failure] = await failuresOf(() => render(text));
    expect(failure).toMatchObject({ code: 'bad-template', place: { file: '/l/etc/x.hbs' } });
    expect(failure?.place?.line).toBe(line);
  });
});
