import { describe, expect, it } from '@jest/globals';
import { identityHeaders } from '../../src/gateway/answer/identity-headers.ts';
import {
  announceAuthenticationOff,
  authenticationOffHeaders,
  createDecideWithoutAuthentication,
  type Repeat,
} from '../../src/gateway/authentication-off.ts';
import { createServices } from '../../src/gateway/decision/services.ts';
import { createLog } from '../../src/log.ts';
import { requestOf, serviceOf } from '../support/callers.ts';

const decide = createDecideWithoutAuthentication(
  createServices(
    [serviceOf({ prefix: '/files', stripPrefix: true, rules: [{ access: 'deny' }], tenants: ['acme'] })],
    'http://localhost:3000',
  ),
);
const ask = (path: string, changes: object = {}) =>
  decide({ ...requestOf(), path, search: '?q=1', ...changes });

describe('with authentication off', () => {
  it.each([{}, { headers: { authorization: 'Basic wrong' } }, { method: 'DELETE' }, { tenant: 'globex' }])(
    'everybody reaches every service as nobody, whatever is shown: %j',
    async (changes) => {
      const decision = await ask('/files/a%20b', changes);
      expect(decision).toMatchObject({ outcome: 'allowed', forwardPath: '/a%20b?q=1' });
      const { caller } = decision as Extract<typeof decision, { outcome: 'allowed' }>;
      expect(identityHeaders({ caller, requestId: 'r-1' })).toMatchObject({
        'Remote-User': 'anonymous',
        'Remote-Groups': '',
        'X-Auth-Roles': '',
        'X-Auth-Tenant': '',
        'X-Auth-Token': '',
        'X-Drawbridge-Authentication': 'disabled',
      });
    },
  );

  it('what no service has, or cannot be judged, goes nowhere', async () => {
    expect(await ask('/other')).toMatchObject({ outcome: 'forbidden' });
    expect(await ask('/files/%00')).toMatchObject({ outcome: 'invalid' });
  });

  it('a service without a caller is sent nothing about one', () => {
    expect(identityHeaders({ requestId: 'r-1' })).not.toHaveProperty('X-Drawbridge-Authentication');
    expect(authenticationOffHeaders(true)).toEqual({});
  });

  it('the log says so at once and every minute, until it is over', () => {
    const lines: string[] = [];
    const log = createLog({ level: 'warn' }, { write: (line) => void lines.push(line) });
    const timers = new Map<() => void, number>();
    const repeat: Repeat = (act, everyMs) => {
      timers.set(act, everyMs);
      return () => void timers.delete(act);
    };
    const end = announceAuthenticationOff({ log, repeat });
    expect(lines).toHaveLength(1);
    expect([...timers.values()]).toEqual([60_000]);
    for (const act of timers.keys()) act();
    expect(lines).toHaveLength(2);
    expect(lines[1]).toContain('AUTH_ENABLED=false');
    end();
    expect(timers.size).toBe(0);
  });
});
