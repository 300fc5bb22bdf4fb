import { createHmac } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createRegistrationCheck } from '../../src/accounts/registration-check.ts';
import { checkRegistration } from '../../src/cli/doctor/check-registration.ts';
import { createLog } from '../../src/log.ts';
import { createTestClock } from '../support/test-clock.ts';

const key = 'a-key-of-the-tests-that-is-long-enough';
const attempt = { email: 'dora@example.com', address: '192.0.2.7', userAgent: 'Mozilla/5.0' };
const clock = createTestClock(Date.UTC(2030, 0, 1));

let server: Server;
let asked: {
  readonly method?: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}[];
let answer: (response: ServerResponse) => void;
let lines: string[];

beforeEach(async () => {
  asked = [];
  lines = [];
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      asked.push({
        method: request.method,
        headers: request.headers,
        body: Buffer.concat(chunks).toString(),
      });
      answer(response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterEach(() => new Promise((resolve) => server.close(resolve)));

const url = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}/check`; // it listens on TCP
const ask = (place = url()) =>
  createRegistrationCheck({
    ...{ tenant: 'acme', check: { url: place, key }, clock },
    log: createLog({ level: 'info' }, { write: (line) => void lines.push(line) }),
  })(attempt);
const say =
  (body: string, status = 200, headers = {}) =>
  (response: ServerResponse): void =>
    void response.writeHead(status, headers).end(body);

describe("the operator's own check of registrations", () => {
  it('is asked with a signature over time and body', async () => {
    answer = say('{ "allow": true }');
    expect(await ask()).toBe('allowed');
    const [{ method, headers, body } = { headers: {}, body: '' }] = asked;
    expect([method, headers['content-type']]).toEqual(['POST', 'application/json']);
    expect(JSON.parse(body)).toEqual({
      ...{ email: 'dora@example.com', address: '192.0.2.7', user_agent: 'Mozilla/5.0', tenant: 'acme' },
      time: Date.UTC(2030, 0, 1) / 1000,
    });
    const [, time = '', signature] =
      /^t=(\d+),v1=([0-9a-f]{64})$/.exec(`${headers['drawbridge-signature']}`) ?? [];
    expect(time).toBe(`${Date.UTC(2030, 0, 1) / 1000}`);
    expect(signature).toBe(createHmac('sha256', key).update(`${time}.${body}`).digest('hex'));
  });

  it('refuses', async () => {
    answer = say('{ "allow": false }');
    expect(await ask()).toBe('refused');
    expect(lines).toEqual([]);
  });

  it.each([
    ['another status', say('{ "allow": true }', 201)],
    ['an outage', say('{ "allow": true }', 503)],
    ['a redirect', (response: ServerResponse) => say('', 307, { location: url() })(response)],
    ['text', say('yes')],
    ['null', say('null')],
    ['another member', say('{ "allowed": true }')],
    ['another type', say('{ "allow": "true" }')],
    ['an end of the connection', (response: ServerResponse) => void response.socket?.destroy()],
  ])('lets nobody register after %s, and logs it', async (_, saying) => {
    answer = saying;
    expect(await ask()).toBe('unavailable');
    expect(asked).toHaveLength(1);
    expect(lines.join()).toContain('registration.check.url');
    expect(lines.join()).not.toContain(key);
  });

  it('lets nobody register when no answer is there in time, or not all of it', async () => {
    answer = (response) => {
      if (asked.length > 1) response.writeHead(200).write('{ "allow": ');
    };
    expect(await Promise.all([ask(), ask()])).toEqual(['unavailable', 'unavailable']);
    server.closeAllConnections();
    expect(lines.filter((line) => line.includes('registration.check.url cannot be reached'))).toHaveLength(2);
  });

  it('is tested by doctor, which says what to write', async () => {
    const doctor = (place: string) =>
      checkRegistration(
        {
          ...{ id: 'acme' },
          registration: { mode: 'open', domains: [], roles: [], groups: [], check: { url: place, key } },
        },
        clock,
      );
    expect(await checkRegistration({ id: 'acme' }, clock)).toEqual([]);
    answer = say('{ "allow": false }');
    expect(await doctor(url())).toMatchObject([{ about: 'registration', verdict: 'ok' }]);
    expect(JSON.parse(asked[0]?.body ?? '')).toMatchObject({ email: 'doctor@drawbridge.invalid' });
    answer = say('', 401);
    const [refused] = await doctor(url());
    expect(refused?.verdict).toBe('problem');
    expect(refused?.message).toContain('but with 401, so nobody can register. Write the URL of your service');
    expect(refused?.message).not.toContain(key);
    const [nowhere] = await doctor('http://127.0.0.1:9/check');
    expect(nowhere).toMatchObject({
      verdict: 'problem',
      message: expect.stringContaining('cannot be reached'),
    });
  });

  it('lets nobody register when nobody listens there', async () => {
    expect(await ask('http://127.0.0.1:9/check')).toBe('unavailable');
    expect(lines.join()).toContain('registration.check.url cannot be reached');
  });
});
