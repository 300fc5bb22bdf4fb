import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { sqliteStore } from '../support/stores.ts';
import { useServer } from '../support/use-server.ts';

const run = promisify(execFile);

/** The commands between the README's markers, each with the comment above it. */
const tourOf = (readme: string): readonly { readonly title: string; readonly command: string }[] => {
  const [, block = ''] = /<!-- tour:[^\n]*\n```sh\n([\s\S]*?)```\n<!-- end of tour -->/.exec(readme) ?? [];
  return block
    .trim()
    .split('\n\n')
    .map((step) => {
      const [title = '', ...command] = step.split('\n');
      return { title: title.replace(/^# /, ''), command: command.join('\n') };
    });
};

const steps = tourOf(await readFile('README.md', 'utf8'));

const server = await useServer({
  store: sqliteStore,
  tenants: { default: await readFile('tenants/default.yaml', 'utf8') },
});

describe("the README's tour with curl", () => {
  it('has steps', () => expect(steps.length).toBeGreaterThan(3));

  it.each(steps)('$title', async ({ command }) => {
    const ISSUER = server.issuer('default');
    const { stdout } = await run('sh', ['-c', command], { env: { ...process.env, ISSUER } });
    const answer: Record<string, unknown> = JSON.parse(stdout);
    expect(answer).not.toHaveProperty('error');
    const expected = command.includes('well-known')
      ? 'token_endpoint'
      : command.includes('/device/auth')
        ? 'user_code'
        : 'access_token';
    expect(answer).toHaveProperty(expected);
  });
});
