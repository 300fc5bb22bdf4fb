// Real tokens, verified with the libraries that services in other languages use. Each is installed once, at the version
// that scripts/real-parts.mjs, go/go.mod and java/pom.xml name.
import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { decodeProtectedHeader } from 'jose';
import { findPart, interopFolder, isOptional, type PartName } from '../../scripts/real-parts.mjs';
import { createBrowser } from '../support/browser.ts';
import { tokenRequest, tokensFor } from '../support/oauth-client.ts';
import { sampleTenant, service, web } from '../support/sample-tenants.ts';
import { servedTenant } from '../support/served-tenant.ts';
import { sqliteStore } from '../support/stores.ts';
import { useServer } from '../support/use-server.ts';

const here = dirname(fileURLToPath(import.meta.url));

const algorithms = ['RS256', 'ES256', 'PS256', 'EdDSA'] as const;
const resourceOf = (algorithm: string): string => `https://${algorithm.toLowerCase()}.example.com`;
const plainResource = 'https://spring.example.com';

const server = await useServer({
  store: sqliteStore,
  tenants: {
    acme: sampleTenant({
      resources: [
        ...algorithms.map((signingAlgorithm) => ({
          identifier: resourceOf(signingAlgorithm),
          signingAlgorithm,
        })),
        { identifier: plainResource, signingAlgorithm: 'RS256', typ: 'JWT' },
      ],
    }),
  },
});
const issuer = server.issuer('acme');

interface Asked {
  readonly name: string;
  readonly token: string;
  readonly audience: string;
  readonly algorithm: string | undefined;
  readonly typ: string | undefined;
}

const asked = (name: string, audience: string, token = ''): Asked => {
  const { alg: algorithm, typ = 'JWT' } = decodeProtectedHeader(token);
  return { name, token, audience, algorithm, typ };
};

const accessToken = async (name: string, resource: string): Promise<Asked> => {
  const { body } = await tokenRequest(issuer, service, { grant_type: 'client_credentials', resource });
  return asked(name, resource, body.access_token);
};

const realTokens = async (): Promise<readonly Asked[]> => {
  const { id_token } = await tokensFor(createBrowser(), { issuer, client: web });
  const { identityTokens } = await servedTenant(server, 'acme');
  const audience = 'https://orders.example.com';
  const forService = await identityTokens.sign({ sub: 'alice', audience, algorithm: 'EdDSA', claims: {} });
  return [
    ...(await Promise.all(algorithms.map((algorithm) => accessToken(algorithm, resourceOf(algorithm))))),
    await accessToken('typ: JWT', plainResource),
    asked('ID token', web.id, id_token),
    asked('X-Auth-Token', audience, forService),
  ];
};

/** By library and version, then by token: `verified`, or why not. */
type Verdicts = Readonly<Record<string, Readonly<Record<string, string>>>>;

const ask = async (
  command: string,
  given: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<Verdicts> => {
  const jwks: unknown = await (await fetch(`${issuer}/jwks`)).json();
  const input = JSON.stringify({ issuer, jwks, tokens: await realTokens() });
  return new Promise((resolve, reject) => {
    const child = spawn(command, [...given], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...process.env, ...env },
    });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
    child.on('error', reject).on('close', (code) => {
      if (code === 0) resolve(JSON.parse(output) as Verdicts);
      else reject(new Error(`${command} ended with ${code}`));
    });
    child.stdin.end(input);
  });
};

const everything = {
  RS256: 'verified',
  ES256: 'verified',
  PS256: 'verified',
  EdDSA: 'verified',
  'typ: JWT': 'verified',
  'ID token': 'verified',
  'X-Auth-Token': 'verified',
};

/** Without its part a named skip; in CI, where a skip counts as a failure, an optional one is left out. */
const describeWith = (part: PartName, name: string, define: (file: string) => void): void => {
  const file = findPart(part);
  if (file !== undefined) describe(name, () => define(file));
  else if (process.env.CI !== 'true' || !isOptional(part))
    describe.skip(name, () => it(`needs ${part}`, () => {}));
};

describeWith('python-jwt', 'Python', (python) => {
  it('verifies tokens with PyJWT, Authlib and python-jose', async () => {
    const verdicts = await ask(python, [join(here, 'verify.py')], {
      PYTHONPATH: interopFolder('python'),
      PYTHONWARNINGS: 'ignore',
    });
    expect(verdicts).toEqual({
      'PyJWT 2.15.1': everything,
      'Authlib 1.9.10': everything,
      'python-jose 3.5.0': {
        ...everything,
        // it has neither; a resource or service names RS256 for it
        PS256: expect.stringContaining('Unable to find an algorithm'),
        EdDSA: expect.stringContaining('Unable to find an algorithm'),
        'X-Auth-Token': expect.stringContaining('Unable to find an algorithm'),
      },
    });
  });
});

describeWith('go-jwt', 'Go', (verify) => {
  it('verifies tokens with golang-jwt and go-oidc', async () => {
    expect(await ask(verify)).toEqual({ 'golang-jwt v5.2.2': everything, 'go-oidc v3.14.1': everything });
  });
});

describeWith('java-jwt', 'Java', (java) => {
  it('verifies tokens with Nimbus', async () => {
    const classes = ['-cp', join(interopFolder('java'), '*')];
    const verdicts = await ask(java, [...classes, join(here, 'java', 'Verify.java'), '10.0.2']);
    expect(verdicts).toEqual({ 'Nimbus 10.0.2': everything });
  });
});
