import { setTimeout as delay } from 'node:timers/promises';
import { expectSame, expectThat, present } from './expectations.ts';
import { type Harbour, readDelivered } from './harbour.ts';
import { type Exchange, exchange } from './http-exchange.ts';
import type { Step } from './play-tenant.ts';

/** A program without a browser at the service: an account of its own, and keys that are replaced. */
export const playKeys = async ({ serviceUrl, run }: Harbour, step: Step): Promise<void> => {
  const call = (path: string, headers: Readonly<Record<string, string>>): Promise<Exchange> =>
    exchange(new URL(`${serviceUrl}${path}`), { headers });
  const statusOf = async (key: string): Promise<number> =>
    (await call('/ships', { Authorization: `Bearer ${key}` })).status;
  const keyFrom = async (
    ...args: readonly string[]
  ): Promise<{ readonly id: string; readonly secret: string }> =>
    JSON.parse(await run(['api-key', ...args, '--json']));

  const first = await step('A system user, and its API key', async () => {
    await run(['user', 'add', 'harbour', 'crane', '--system', '--role', 'keeper']);
    const made = await keyFrom('create', 'harbour', 'crane', '--note', 'crane at pier 3', '--expires', '90d');
    const { headers } = readDelivered(await call('/keys/1', { Authorization: `Bearer ${made.secret}` }));
    expectSame('user, method', ['crane', 'apikey'], [headers['remote-user'], headers['x-auth-method']]);
    expectSame('Authorization at the service', undefined, headers.authorization);
    return made;
  });

  await step('… in two halves, and one typing error', async () => {
    const [prefix, publicId, secret] = first.secret.split('_');
    const halves = { 'X-API-Key': `${prefix}_${publicId}`, 'X-API-Secret': present('secret', secret) };
    const { headers } = readDelivered(await call('/ships', halves));
    expectSame(
      'user, key at the service',
      ['crane', undefined],
      [headers['remote-user'], headers['x-api-key']],
    );
    const typed = first.secret.replace(/.$/, (last) => (last === 'x' ? 'y' : 'x'));
    expectSame('status', 401, await statusOf(typed));
  });

  const second = await step('A rotation: both keys are good for a week', async () => {
    const made = await keyFrom('rotate', 'harbour', first.id);
    expectSame('statuses', [200, 200], [await statusOf(first.secret), await statusOf(made.secret)]);
    return made;
  });

  await step('Reassigned: the old ones are refused within a second', async () => {
    const made = await keyFrom('reassign', 'harbour', first.id);
    const until = performance.now() + 1000;
    while ((await statusOf(second.secret)) !== 401 && performance.now() < until) await delay(20);
    const statuses = [await statusOf(first.secret), await statusOf(second.secret)];
    expectThat(
      statuses.every((status) => status === 401),
      '401 for both',
      statuses.join(', '),
    );
    expectSame('status', 200, await statusOf(made.secret));
  });

  await step('The audit record has it all, and is verified', async () => {
    const lines = (await run(['audit', 'export', 'harbour', '--format', 'json'])).trim().split('\n');
    const actions = lines.map((line) => String(JSON.parse(line).action));
    for (const action of ['key.create', 'key.rotate', 'key.reassign'])
      expectThat(actions.includes(action), action, actions.join(' '));
    const { findings } = JSON.parse(await run(['audit', 'verify', 'harbour', '--json']));
    expectSame('findings', 0, findings.length);
  });
};
