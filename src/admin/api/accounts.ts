// What operations on people and system users share.
import { z } from 'zod';
import { type AccountStatus, statusOf } from '../../accounts/account-status.ts';
import { factorFacts } from '../../accounts/factors/factor-facts.ts';
import type { LocalUsers } from '../../accounts/local-users.ts';
import type { AtVersion, UserChange } from '../../accounts/user-change.ts';
import { definedOnly } from '../../defined-only.ts';
import { AppError } from '../../errors.ts';
import type { AccountRecord } from '../../storage/storage.ts';
import { idSchema, timeSchema, toSeconds } from '../../web/api/api-schemas.ts';
import { OperationRefusal } from '../../web/api/described-operation.ts';
import { nothingHere } from '../../web/problem.ts';
import { mayManage, rolesAt } from '../permissions.ts';
import { changedMeanwhile, sendVersion, versionWanted } from './conditions.ts';
import type { AdminRequest } from './operation.ts';

const statuses = ['enabled', 'disabled', 'locked', 'deleting'] as const satisfies readonly AccountStatus[];

const shared = {
  sub: idSchema,
  username: z.string(),
  name: z.string().optional(),
  status: z.enum(statuses),
  roles: z.array(z.string()),
  groups: z.array(z.string()),
  created_at: timeSchema,
  updated_at: timeSchema,
} as const;

export const personSchema = z
  .object({
    ...shared,
    email: z.string().optional(),
    email_verified: z.boolean().optional(),
    origin: z.enum(['local', 'demo', 'source']).meta({ description: 'Where the account came from.' }),
    sources: z.array(z.string()).meta({ description: 'Ids of the sources that know the person.' }),
    second_factors: z.array(z.string()).meta({ description: 'Kinds of factors that are set up.' }),
  })
  .meta({ id: 'Person' });

export const systemUserSchema = z.object(shared).meta({ id: 'SystemUser' });

const sharedOf = (account: AccountRecord): z.input<typeof systemUserSchema> => {
  const { sub, username, claims, roles, groups, createdAt, updatedAt } = account;
  return {
    ...{ sub, username, status: statusOf(account), roles: [...roles], groups: [...groups] },
    ...(typeof claims.name === 'string' ? { name: claims.name } : {}),
    created_at: toSeconds(createdAt),
    updated_at: toSeconds(updatedAt),
  };
};

export const toPublicSystemUser = sharedOf;

export const toPublicPerson = (account: AccountRecord): z.input<typeof personSchema> => {
  const { origin, email, emailVerified, identities = [], factors } = account;
  return {
    ...sharedOf(account),
    ...definedOnly({ email, email_verified: email === undefined ? undefined : (emailVerified ?? false) }),
    origin: origin === 'system' ? 'local' : origin, // no system user gets here
    sources: [...new Set(identities.map(({ source }) => source))],
    second_factors: factorFacts(definedOnly({ factors })).map(({ type }) => type),
  };
};

const isSystemUser = ({ origin }: AccountRecord): boolean => origin === 'system';

/** @throws AppError `not_found`, also where the account is of the other kind */
export const getAccount = async (
  { tenant, operator }: AdminRequest,
  sub: string,
  kind: 'person' | 'system user' | 'any',
): Promise<AccountRecord> => {
  const account = await tenant.usersAs(operator.actor).find(sub);
  // `find` takes names too
  if (account?.sub !== sub) throw nothingHere();
  if (kind !== 'any' && isSystemUser(account) !== (kind === 'system user')) throw nothingHere();
  return account;
};

/**
 * Nobody changes an account that has a right more than they have, or gives one.
 * @throws AppError `forbidden`
 */
export const requireManageable = (
  { tenant: { definition }, parts: { administration }, operator }: AdminRequest,
  account: Pick<AccountRecord, 'sub' | 'roles' | 'groups'>,
): void => {
  const { id, administration: own } = definition;
  const theirs = rolesAt({ tenant: id, administration: own, server: administration }, id, account);
  if (!mayManage(operator.roles, theirs))
    throw new AppError(
      'forbidden',
      'This account has, or would get, administrative rights that you do not have',
    );
};

/** Not of a system user, if the account is of a person, and the reverse. @throws AppError */
export const getManageable = async (
  request: AdminRequest,
  sub: string,
  kind: 'person' | 'system user' | 'any',
): Promise<AccountRecord> => {
  const account = await getAccount(request, sub, kind);
  requireManageable(request, account);
  return account;
};

/**
 * Changes an account, if the request is for the version that it has.
 * @param change by the functions that the CLI calls too
 * @returns it afterwards; the answer has its version
 * @throws AppError, OperationRefusal
 */
export const changeAccount = async (
  request: AdminRequest,
  { sub, kind }: { readonly sub: string; readonly kind: 'person' | 'system user' },
  change: (users: LocalUsers, account: AccountRecord, at: AtVersion) => Promise<UserChange>,
): Promise<AccountRecord> => {
  const at = versionWanted(request.ctx);
  const account = await getManageable(request, sub, kind);
  const users = request.tenant.usersAs(request.operator.actor);
  return accountAfter(request, await change(users, account, at));
};

/** The account after a change, whose version the answer has. @throws AppError, OperationRefusal */
export const accountAfter = ({ ctx }: AdminRequest, change: UserChange): AccountRecord => {
  if (change.ok) {
    sendVersion(ctx, change.account);
    return change.account;
  }
  const { reason, message: description } = change;
  switch (reason) {
    case 'not_found':
      throw nothingHere();
    case 'changed':
      throw changedMeanwhile(ctx);
    case 'taken':
      throw new OperationRefusal(409, { code: 'username_taken', description });
    case 'owned':
      throw new OperationRefusal(409, { code: 'managed_elsewhere', description });
    case 'username':
    case 'email':
    case 'password':
    case 'system':
      throw new AppError('invalid_request', description);
  }
};
