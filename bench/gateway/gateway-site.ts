// Drawbridge with one service behind it, and what callers present to it.
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { createBrowser, describePage } from '../demo/browser.ts';
import { openTargetClient, type TargetClient } from '../load/target-client.ts';
import { migratorClient, type Person, people, tenantId, tenantYaml } from '../targets/fixtures.ts';
import { startTarget, type TargetProcess } from '../targets/target-process.ts';
import { openKeyMaker } from './api-keys.ts';

/** Path of the service on Drawbridge's own host. */
export const servicePath = '/app';

const resource = 'https://app.example/orders';

export interface GatewaySite {
  readonly server: TargetProcess;
  /** The service itself. */
  readonly service: TargetProcess;
  /** A proxy that does nothing but pass on. */
  readonly relay: TargetProcess;
  readonly client: TargetClient;
  /** Values of `Authorization` or `Cookie`, by what they are called. */
  jwt(person: Person): Promise<string>;
  opaque(person: Person): Promise<string>;
  /** A new one, of a system user. */
  apiKey(): Promise<string>;
  basic(person: Person): string;
  cookie(person: Person): Promise<string>;
  close(): Promise<void>;
}

export interface GatewaySiteOptions {
  readonly node: string;
  /** Seconds for which an accepted password is remembered; 0: not at all. */
  readonly basicCache: number;
}

export const openGatewaySite = async ({ node, basicCache }: GatewaySiteOptions): Promise<GatewaySite> => {
  const folder = mkdtempSync(join(tmpdir(), 'drawbridge-gateway-'));
  const tenantsDirectory = join(folder, 'tenants');
  mkdirSync(tenantsDirectory);
  writeFileSync(join(tenantsDirectory, `${tenantId}.yaml`), tenantWithResource());
  const common = {
    storageUrl: `file:${join(folder, 'data')}`,
    hashing: { memoryKiB: 8, iterations: 1, parallelism: 1 },
    secretKey: randomBytes(32).toString('base64url'),
    tenantsDirectory,
  };
  const service = await startTarget({ task: { ...common, kind: 'hello' }, node });
  const relay = await startTarget({
    task: { ...common, kind: 'relay', targetOrigin: service.origin },
    node,
  });
  const services = [
    {
      name: 'app',
      prefix: servicePath,
      target: service.origin,
      tenants: [tenantId],
      resources: [resource],
      basic: true,
    },
  ];
  const server = await startTarget({
    task: {
      ...common,
      kind: 'drawbridge',
      environment: {
        DRAWBRIDGE_SERVER__TRUSTED_PROXIES: '127.0.0.1',
        DRAWBRIDGE_GATEWAY__BASIC_CACHE: `${basicCache}s`,
        DRAWBRIDGE_GATEWAY__SERVICES: JSON.stringify(services),
      },
    },
    node,
  });
  const keys = await openKeyMaker(common.storageUrl, common.secretKey);
  const client = await openTargetClient(`${server.origin}/oauth/${tenantId}`);
  const bearer = async (
    { username, password }: Person,
    wishes: Readonly<Record<string, string>>,
  ): Promise<string> => {
    const form = { grant_type: 'password', username, password, ...wishes };
    const answer = await client.post(client.endpoint('token_endpoint'), form, migratorClient);
    return `Bearer ${String(answer.access_token)}`;
  };
  return {
    server,
    service,
    relay,
    client,
    jwt: (person) => bearer(person, { resource, scope: 'orders' }),
    opaque: (person) => bearer(person, { scope: 'openid' }),
    apiKey: async () => `Bearer ${await keys.make()}`,
    basic: ({ username, password }) => `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`,
    cookie: async (person) => {
      const browser = createBrowser(server.origin, client.agent);
      const target = new URL(`${server.origin}${servicePath}/`);
      const login = await browser.open(target);
      const fields = { login: person.username, password: person.password };
      const page = await browser.submit(login, { fields });
      const cookie = browser.cookieFor(target);
      if (page.status !== 200 || page.url.href !== target.href || cookie === undefined)
        throw new Error(`expected the service after the sign-in, saw ${describePage(page)}`);
      return cookie;
    },
    close: async () => {
      client.close();
      await keys.close();
      await server.stop();
      await relay.stop();
      await service.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
};

/** Of the bench's tenant, with tokens for the service. */
const tenantWithResource = (): string => {
  const tenant = parse(tenantYaml());
  return stringify({ ...tenant, resources: [{ identifier: resource, scopes: { orders: 'See orders' } }] });
};

export const personOf = (number: number): Person => {
  const person = people[number % people.length];
  if (person === undefined) throw new Error('there are no people');
  return person;
};
