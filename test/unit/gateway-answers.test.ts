import { describe, expect, it } from '@jest/globals';
import type { ServiceDefinition } from '../../src/config/gateway/gateway-definition.ts';
import { AppError } from '../../src/errors.ts';
import { type AnswerDialect, answerTo, isNavigation } from '../../src/gateway/answer/answers.ts';
import { authRequest } from '../../src/gateway/answer/auth-request.ts';
import { extAuthz } from '../../src/gateway/answer/ext-authz.ts';
import { forwardAuth } from '../../src/gateway/answer/forward-auth.ts';
import { identityHeaders } from '../../src/gateway/answer/identity-headers.ts';
import type { Caller, Decision, GatewayTenant } from '../../src/gateway/gateway-types.ts';

const service: ServiceDefinition = {
  name: 'orders',
  host: 'orders.example.com',
  stripPrefix: false,
  tenants: ['acme'],
  audience: 'https://orders.example.com',
  signingAlgorithm: 'EdDSA',
  resources: [],
  basic: false,
  corsPreflight: false,
  caseSensitive: false,
  ignoreCase: false,
  rules: [],
};
const withBasic: ServiceDefinition = { ...service, basic: true };
const tenantNamed = (displayName: string): GatewayTenant =>
  ({ definition: { id: 'acme', displayName } }) as unknown as GatewayTenant; // an answer needs no more of it
const acme = tenantNamed('Acme');

const browser = { method: 'GET', headers: { accept: 'text/html,*/*;q=0.8' } };
const program = { method: 'GET', headers: { accept: 'application/json' } };
const script = { method: 'GET', headers: { accept: '*/*', 'x-requested-with': 'XMLHttpRequest' } };
const fetched = { method: 'GET', headers: { accept: 'text/html', 'sec-fetch-mode': 'cors' } };
const [nginx, traefik, envoy] = [authRequest.answers, forwardAuth.answers, extAuthz.answers];
const external: readonly AnswerDialect[] = [nginx, traefik, envoy];
const builtIn: AnswerDialect = {};
const all: readonly AnswerDialect[] = [...external, builtIn];
const signInAt = 'https://id.example.com/oauth/acme/gateway/sign-in?state=s';
const signInUrl = (): string => signInAt;

const signIn: Decision = { outcome: 'sign_in', service, tenant: acme };
const badBasic: Decision = {
  outcome: 'bad_credential',
  service: withBasic,
  tenant: acme,
  scheme: 'Basic',
  error: 'credentials',
  description: 'Name or password is wrong',
};
const badBearer: Decision = {
  ...badBasic,
  scheme: 'Bearer',
  error: 'invalid_token',
  description: 'The "token" is over',
};
const caller: Caller = {
  tenant: 'acme',
  issuer: 'https://id.example.com/oauth/acme',
  sub: 's1',
  kind: 'person',
  method: 'session',
  username: 'alice',
  emailVerified: false,
  groups: [],
  roles: [],
  amr: [],
  revocationIds: [],
};
const stepUp: Decision = {
  outcome: 'step_up',
  service: withBasic,
  tenant: acme,
  caller,
  demand: { acrValues: ['mfa', 'hwk'], maxAge: 300 },
};
const unavailable: Decision = {
  outcome: 'unavailable',
  retryAfterSeconds: 7,
  cause: new Error('secret cause'),
};

describe('a browser or a program', () => {
  it.each([
    [true, browser],
    [true, { ...browser, method: 'HEAD' }],
    [true, { ...browser, headers: { ...browser.headers, 'sec-fetch-mode': 'navigate' } }],
    [false, { ...browser, method: 'POST' }],
    [false, { ...browser, headers: { ...browser.headers, authorization: 'Basic x' } }],
    [false, { ...browser, headers: { ...browser.headers, 'x-requested-with': 'XMLHttpRequest' } }],
    [false, { ...browser, headers: { ...browser.headers, 'sec-fetch-mode': 'no-cors' } }],
    [false, program],
    [false, fetched],
    [false, { method: 'GET', headers: {} }],
    [false, { method: 'GET', headers: { accept: '*/*' } }],
  ])('%s: %j', (isOne, request) => {
    expect(isNavigation(request)).toBe(isOne);
  });
});

describe('statuses of the contract', () => {
  const forbidden: Decision = { outcome: 'forbidden', reason: 'of the rule in line 7' };
  const refused: Decision = { outcome: 'refused', reason: 'must change password' };
  const throttled: Decision = { outcome: 'throttled', retryAfterSeconds: 30 };
  const invalid: Decision = { outcome: 'invalid', description: 'No path' };
  const rows: readonly (readonly [string, Decision, typeof program, readonly number[]])[] = [
    ['nothing, browser', signIn, browser, [401, 302, 302, 302]],
    ['nothing, HEAD of a browser', signIn, { ...browser, method: 'HEAD' }, [401, 302, 302, 302]],
    ['nothing, form of a browser', signIn, { ...browser, method: 'POST' }, [401, 401, 401, 401]],
    ['nothing, program', signIn, program, [401, 401, 401, 401]],
    ['bad password', badBasic, program, [401, 401, 401, 401]],
    ['bad token, with Accept of a browser', badBearer, browser, [401, 401, 401, 401]],
    ['step-up, browser', stepUp, browser, [401, 302, 302, 302]],
    ['step-up, program', stepUp, program, [401, 401, 401, 401]],
    ['forbidden', forbidden, browser, [403, 403, 403, 403]],
    ['refused', refused, program, [403, 403, 403, 403]],
    ['throttled', throttled, program, [403, 429, 429, 429]],
    ['unavailable', unavailable, browser, [503, 503, 403, 503]],
    ['invalid', invalid, program, [400, 400, 400, 400]],
  ];

  it.each(rows)('%s', (_name, decision, request, statuses) => {
    expect(all.map((dialect) => answerTo(decision, { dialect, request, signInUrl }).status)).toEqual(
      statuses,
    );
  });

  it.each(rows)(
    '%s: says what is wrong in x-error and x-error-id, in few bytes',
    (_name, decision, request) => {
      for (const dialect of all) {
        const { headers, body, errorId } = answerTo(decision, { dialect, request, signInUrl });
        expect(headers['x-error']).toMatch(/^[\x20-\x7e]+$/);
        expect(headers['x-error-id']).toBe(errorId);
        expect(JSON.parse(body)).toMatchObject({ error_description: headers['x-error'], error_id: errorId });
        expect(headers['Cache-Control']).toBe('no-store');
        expect(Object.keys(headers).map((name) => name.toLowerCase())).not.toContain('set-cookie');
        expect(JSON.stringify(headers).length + body.length).toBeLessThan(4096);
      }
    },
  );

  it('keeps reasons and causes to itself, save those of an account', () => {
    for (const dialect of all) {
      const said = JSON.stringify([
        answerTo(forbidden, { dialect, request: program }),
        answerTo(unavailable, { dialect, request: program }),
      ]);
      expect(said).not.toMatch(/rule in line|secret cause/);
      expect(answerTo(refused, { dialect, request: program }).headers['X-Auth-Reason']).toBe(
        'must_change_password',
      );
    }
  });

  it('says when to come again', () => {
    for (const dialect of all) {
      expect(answerTo(throttled, { dialect, request: program }).headers['Retry-After']).toBe('30');
      expect(answerTo(unavailable, { dialect, request: program }).headers['Retry-After']).toBe('7');
    }
    expect(answerTo(throttled, { dialect: nginx, request: program }).headers['X-Auth-Reason']).toBe(
      'throttled',
    );
    expect(answerTo(unavailable, { dialect: envoy, request: program }).headers['X-Auth-Reason']).toBe(
      'upstream_unavailable',
    );
  });
});

describe('a source whose settings do not let it answer', () => {
  it('is no outage: nobody is asked to try again', () => {
    const lasting = {
      ...unavailable,
      cause: new AppError('unavailable', 'The directory stops at a limit', { isLasting: true }),
    };
    const answer = answerTo(lasting, { dialect: {}, request: program });
    expect(answer).toMatchObject({ status: 500, headers: { 'x-error': 'The directory stops at a limit' } });
    expect(answer.headers['Retry-After']).toBeUndefined();
    expect(answerTo(lasting, { dialect: envoy, request: program })).toMatchObject({
      status: 403,
      headers: { 'X-Auth-Reason': 'misconfigured' },
    });
  });
});

describe('the address of the sign-in', () => {
  it('is an absolute Location, for nginx beside a 401', () => {
    for (const dialect of all)
      expect(answerTo(signIn, { dialect, request: browser, signInUrl }).headers.Location).toBe(signInAt);
  });

  it('is never shown to a program, nor where a credential was bad', () => {
    for (const dialect of all) {
      expect(answerTo(signIn, { dialect, request: program, signInUrl }).headers).not.toHaveProperty(
        'Location',
      );
      expect(answerTo(badBasic, { dialect, request: browser, signInUrl }).headers).not.toHaveProperty(
        'Location',
      );
    }
  });
});

describe('challenges', () => {
  const challengeOf = (decision: Decision, request: typeof program = program) =>
    answerTo(decision, { dialect: traefik, request, signInUrl }).headers['WWW-Authenticate'];

  it('ask for name and password only where the service takes them', () => {
    expect(challengeOf(signIn)).toBe('Bearer realm="Acme"');
    expect(challengeOf({ ...signIn, service: withBasic })).toBe('Basic realm="Acme", charset="UTF-8"');
    expect(challengeOf(badBasic)).toBe('Basic realm="Acme", charset="UTF-8"');
    expect(challengeOf({ ...badBasic, service })).toBe('Bearer realm="Acme"');
  });

  it('never make the box of a browser open over a page', () => {
    for (const request of [script, fetched]) {
      expect(challengeOf({ ...signIn, service: withBasic }, request)).toBe('Bearer realm="Acme"');
      expect(challengeOf(badBasic, request)).toBe('Bearer realm="Acme"');
    }
    const asked = answerTo(
      { ...signIn, service: withBasic },
      { dialect: nginx, request: browser, signInUrl },
    );
    expect(asked.headers['WWW-Authenticate']).toBe('Bearer realm="Acme"');
  });

  it('of a bad token say why (RFC 6750)', () => {
    expect(challengeOf(badBearer)).toBe(
      `Bearer realm="Acme", error="invalid_token", error_description="The 'token' is over"`,
    );
  });

  it('of a step-up say what is asked for (RFC 9470)', () => {
    expect(challengeOf(stepUp)).toBe(
      'Bearer realm="Acme", error="insufficient_user_authentication", ' +
        'error_description="A newer or stronger sign-in is needed", acr_values="mfa hwk", max_age="300"',
    );
  });

  it.each([
    ['Acme "the best"\\ one', `Acme 'the best'' one`],
    ['Müller\r\nSet-Cookie: a=b', 'MullerSet-Cookie: a=b'],
    ['日本', 'Drawbridge'],
  ])('name the tenant %j as %s', (displayName, realm) => {
    expect(challengeOf({ ...signIn, tenant: tenantNamed(displayName) })).toBe(`Bearer realm="${realm}"`);
  });

  it('name no tenant that is not known', () => {
    expect(challengeOf({ outcome: 'sign_in', service })).toBe('Bearer realm="Drawbridge"');
  });
});

describe('an allowed request', () => {
  const decision: Decision = { outcome: 'allowed', service, caller, tenant: acme, forwardPath: '/' };
  const identity = identityHeaders({ caller, token: 'signed', requestId: 'r1' });

  it('is 200 with the whole set of headers, and without an Authorization for the service', () => {
    for (const dialect of external) {
      const { status, headers, body } = answerTo(decision, { dialect, request: program, identity });
      expect(status).toBe(200);
      expect(headers).toMatchObject(identity);
      expect(headers).not.toHaveProperty('Authorization');
      expect(headers).not.toHaveProperty('x-error');
      expect(body).toBe('');
    }
  });

  it('names for Envoy what to take out of it: the credential, and names that are empty', () => {
    const { headers } = answerTo(decision, { dialect: envoy, request: program, identity });
    const removed = headers['x-envoy-auth-headers-to-remove']?.split(',');
    expect(removed).toEqual(
      expect.arrayContaining(['authorization', 'remote-groups', 'x-auth-roles', 'x-forwarded-user']),
    );
    for (const kept of ['remote-user', 'x-auth-token', 'x-auth-request-id'])
      expect(removed).not.toContain(kept);
    const toTraefik = answerTo(decision, { dialect: traefik, request: program, identity });
    expect(toTraefik.headers).not.toHaveProperty('x-envoy-auth-headers-to-remove');
  });
});
