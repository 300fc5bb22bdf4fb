import type { NewKey } from '../../src/accounts/api-keys/api-keys.ts';
import { adminApiPath } from '../../src/admin/api/operation.ts';
import { type Answer, toAnswer } from './oauth-client.ts';
import { servedTenant } from './served-tenant.ts';
import type { TestServer } from './test-server.ts';

export interface AdminQuestion {
  readonly method?: string;
  readonly key?: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
  /** Address of the caller, of a server that trusts this machine as a proxy; default: another one each time. */
  readonly from?: string;
  /** An object is sent as JSON. */
  readonly body?: object | string | undefined;
}

let asked = 0;
const nextAddress = (): string => {
  asked += 1;
  return `198.18.${Math.floor(asked / 250)}.${asked % 250}`;
};

/** A request to the administration API. @param path after `/admin/api/v1` */
export const askAdmin = async (
  { publicUrl }: Pick<TestServer, 'publicUrl'>,
  path: string,
  { method = 'GET', key, headers = {}, from = nextAddress(), body }: AdminQuestion = {},
): Promise<Answer> =>
  toAnswer(
    await fetch(`${publicUrl}${adminApiPath}${path}`, {
      method,
      headers: {
        'x-forwarded-for': from,
        ...(typeof body === 'object' ? { 'content-type': 'application/json' } : {}),
        ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'object' ? JSON.stringify(body) : body }),
    }),
  );

/** A key of a new system user with these roles. */
export const keyOf = async (
  server: TestServer,
  tenant: string,
  username: string,
  { roles = [], ...wanted }: NewKey & { readonly roles?: readonly string[] } = {},
): Promise<{ readonly sub: string; readonly id: string; readonly secret: string }> => {
  const added = await server.users(tenant).add({ username, roles, isSystem: true });
  if (!added.ok) throw new Error(added.message);
  const { apiKeys } = await servedTenant(server, tenant);
  const made = await apiKeys.create(added.account, { scopes: ['admin'], ...wanted }, { actor: 'cli' });
  if (!made.ok) throw new Error(made.message);
  return { sub: added.account.sub, id: made.key.id, secret: made.secret };
};

/** Things of a tenant that requests name. */
export interface Things {
  readonly tenant: string;
  /** A person. */
  readonly sub: string;
  /** A system user, and its key. */
  readonly systemUser: string;
  readonly key: string;
}

export interface AdminSample {
  readonly path: string;
  readonly body?: object;
}

let made = 0;

/** One request for each operation, by its id; those that make something make another one each time. */
export const adminSamples = ({
  tenant,
  sub,
  systemUser,
  key,
}: Things): Readonly<Record<string, AdminSample>> => {
  made += 1;
  const at = (path: string, body?: object): AdminSample => ({
    path: `/tenants/${tenant}${path}`,
    ...(body === undefined ? {} : { body }),
  });
  return {
    listPeople: at('/people'),
    showPerson: at(`/people/${sub}`),
    unlockPerson: at(`/people/${sub}/unlock`),
    resetFactors: at(`/people/${sub}/reset-factors`),
    disablePerson: at(`/people/${sub}/disable`),
    enablePerson: at(`/people/${sub}/enable`),
    listSignIns: at(`/people/${sub}/sign-ins`),
    endSignIn: at(`/people/${sub}/sign-ins/session/none`),
    endSignIns: at(`/people/${sub}/sign-ins`),
    listSystemUsers: at('/system-users'),
    createSystemUser: at('/system-users', { username: `made-${made}` }),
    showSystemUser: at(`/system-users/${systemUser}`),
    changeSystemUser: at(`/system-users/${systemUser}`, { name: `Name ${made}` }),
    disableSystemUser: at(`/system-users/${systemUser}/disable`),
    enableSystemUser: at(`/system-users/${systemUser}/enable`),
    deleteSystemUser: at(`/system-users/${systemUser}`),
    listKeys: at('/keys'),
    listExpiringKeys: at('/expiring-keys'),
    createKey: at('/keys', { owner: systemUser }),
    showKey: at(`/keys/${key}`),
    rotateKey: at(`/keys/${key}/rotate`, {}),
    reassignKey: at(`/keys/${key}/reassign`),
    revokeKey: at(`/keys/${key}`),
    listAudit: at('/audit'),
    verifyAudit: at('/audit/verification'),
    exportAudit: at('/audit/export'),
  };
};
