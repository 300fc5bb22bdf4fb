import { z } from 'zod';
import { definedOnly } from '../../defined-only.ts';
import { canonicalLogin } from '../../protocol/canonical-login.ts';
import { idSchema } from '../../web/api/api-schemas.ts';
import {
  accountAfter,
  changeAccount,
  getAccount,
  getManageable,
  requireManageable,
  systemUserSchema,
  toPublicSystemUser,
} from './accounts.ts';
import { idOfRepeatable, repeatedWithOtherParts, sendVersion, versionWanted } from './conditions.ts';
import { type AdminRequest, defineAdminOperation, Repeated } from './operation.ts';
import { nextOf, nextSchema, pageParameters } from './paging.ts';

const text = (longest: number) => z.string().min(1).max(longest);
const names = z.array(text(200)).max(100);

const ofSystemUser = { path: z.object({ sub: idSchema }) } as const;
const changedSystemUser = async (
  request: AdminRequest,
  sub: string,
  change: Parameters<typeof changeAccount>[2],
): Promise<z.input<typeof systemUserSchema>> =>
  toPublicSystemUser(await changeAccount(request, { sub, kind: 'system user' }, change));

const changeAnswer = { description: 'The system user afterwards.', schema: systemUserSchema } as const;

/** Characters of a sub. */
const subLength = 22;

export const listSystemUsers = defineAdminOperation({
  id: 'listSystemUsers',
  method: 'GET',
  path: '/system-users',
  permission: 'systemUsers.read',
  summary: 'The system users of a tenant, by sub',
  parameters: { query: z.object(pageParameters) },
  answer: {
    description: 'A page of system users.',
    schema: z.object({ system_users: z.array(systemUserSchema), next: nextSchema }),
  },
  handle: async ({ tenant, operator, query: { after, limit } }) => {
    const page = { limit, origin: 'system', ...definedOnly({ afterSub: after }) } as const;
    const found = await tenant.usersAs(operator.actor).list(page);
    return { system_users: found.map(toPublicSystemUser), ...nextOf(found, limit, ({ sub }) => sub) };
  },
});

export const createSystemUser = defineAdminOperation({
  id: 'createSystemUser',
  method: 'POST',
  path: '/system-users',
  permission: 'systemUsers.change',
  isRepeatable: true,
  summary: 'Make a system user',
  description: 'A program: it has API keys, and never signs in.',
  body: z.strictObject({
    username: text(256),
    name: text(200).optional(),
    roles: names.default([]),
    groups: names.default([]),
  }),
  refusals: { 409: '`username_taken`: somebody has this user name.' },
  answer: {
    status: 201,
    description: 'The system user.',
    repeated: 'The system user that this `Idempotency-Key` has made before, as it is now.',
    schema: systemUserSchema,
  },
  handle: async ({ body: { username, name, roles, groups }, ...request }) => {
    const { tenant, operator, ctx } = request;
    const users = tenant.usersAs(operator.actor);
    const sub = idOfRepeatable(request, 'system user', subLength);
    const before = sub === undefined ? undefined : await users.find(sub);
    if (before !== undefined) return repeatOf(ctx, before, username);
    requireManageable(request, { sub: sub ?? '', roles, groups });
    const claims = name === undefined ? {} : { claims: { name } };
    const made = await users.add({
      ...{ username, roles, groups, ...claims, isSystem: true },
      ...definedOnly({ sub }),
    });
    // the same request, at the same time
    const other = made.ok || sub === undefined ? undefined : await users.find(sub);
    return other === undefined
      ? toPublicSystemUser(accountAfter(request, made))
      : repeatOf(ctx, other, username);
  },
});

const repeatOf = (
  ctx: Parameters<typeof sendVersion>[0],
  account: Parameters<typeof toPublicSystemUser>[0],
  username: string,
): Repeated<z.input<typeof systemUserSchema>> => {
  if (!account.logins.includes(canonicalLogin(username) ?? '')) throw repeatedWithOtherParts();
  sendVersion(ctx, account);
  return new Repeated(toPublicSystemUser(account));
};

export const showSystemUser = defineAdminOperation({
  id: 'showSystemUser',
  method: 'GET',
  path: '/system-users/{sub}',
  permission: 'systemUsers.read',
  summary: 'One system user',
  parameters: ofSystemUser,
  answer: { description: 'The system user; `ETag` is the version.', schema: systemUserSchema },
  handle: async ({ path, ...request }) => {
    const account = await getAccount(request, path.sub, 'system user');
    sendVersion(request.ctx, account);
    return toPublicSystemUser(account);
  },
});

export const changeSystemUser = defineAdminOperation({
  id: 'changeSystemUser',
  method: 'PATCH',
  path: '/system-users/{sub}',
  permission: 'systemUsers.change',
  isVersioned: true,
  summary: 'Change name, roles or groups of a system user',
  description:
    'What is absent stays as it is. Its keys have the new roles and groups at once, as far as they are not limited.',
  parameters: ofSystemUser,
  body: z.strictObject({
    username: text(256).optional(),
    name: text(200).nullable().optional().meta({ description: 'null removes it.' }),
    roles: names.optional().meta({ description: 'All of them.' }),
    groups: names.optional().meta({ description: 'All of them.' }),
  }),
  refusals: {
    409: '`username_taken`: somebody has this user name; or `changed`: somebody else changed it meanwhile.',
  },
  answer: changeAnswer,
  handle: ({ path, body, ...request }) =>
    changedSystemUser(request, path.sub, (users, account, at) => {
      const { sub, version } = account;
      const { roles = account.roles, groups = account.groups } = body;
      requireManageable(request, { sub, roles, groups });
      return users.edit(sub, definedOnly(body), { version, ...at });
    }),
});

export const disableSystemUser = defineAdminOperation({
  id: 'disableSystemUser',
  method: 'POST',
  path: '/system-users/{sub}/disable',
  permission: 'systemUsers.change',
  isVersioned: true,
  summary: 'Refuse all keys of a system user',
  parameters: ofSystemUser,
  answer: changeAnswer,
  handle: ({ path, ...request }) =>
    changedSystemUser(request, path.sub, (users, { sub }, at) => users.disable(sub, at)),
});

export const enableSystemUser = defineAdminOperation({
  id: 'enableSystemUser',
  method: 'POST',
  path: '/system-users/{sub}/enable',
  permission: 'systemUsers.change',
  isVersioned: true,
  summary: 'Accept the keys of a system user again',
  parameters: ofSystemUser,
  answer: changeAnswer,
  handle: ({ path, ...request }) =>
    changedSystemUser(request, path.sub, (users, { sub }, at) => users.enable(sub, at)),
});

export const deleteSystemUser = defineAdminOperation({
  id: 'deleteSystemUser',
  method: 'DELETE',
  path: '/system-users/{sub}',
  permission: 'systemUsers.change',
  isVersioned: true,
  summary: 'Delete a system user, with its keys',
  parameters: ofSystemUser,
  answer: { description: 'It is gone. The audit record keeps the sub.' },
  handle: async ({ path, ...request }) => {
    const at = versionWanted(request.ctx);
    const { sub } = await getManageable(request, path.sub, 'system user');
    const change = await request.tenant.usersAs(request.operator.actor).remove(sub, at);
    if (!change.ok) accountAfter(request, change);
    return undefined;
  },
});
