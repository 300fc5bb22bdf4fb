import { z } from 'zod';
import { readFullName } from '../../accounts/new-person.ts';
import type { ProfileOutcome, RenameOutcome } from '../../accounts/profile-change.ts';
import { definedOnly } from '../../defined-only.ts';
import { AppError } from '../../errors.ts';
import { OperationRefusal } from '../../web/api/described-operation.ts';
import { accountSchema, toPublicAccount } from './account-api.ts';
import { nameSchema } from './api-schemas.ts';
import { defineOperation } from './operation.ts';

export const changeOwnProfile = defineOperation({
  id: 'changeOwnProfile',
  method: 'PATCH',
  path: '/account',
  summary: 'Change name, language or user name',
  description:
    'What is absent stays as it is; null removes it. `username` needs a sign-in of the last five minutes, and a tenant that allows it. Sessions and tokens stay.',
  needsRecentSignIn: ['username'],
  refusals: {
    400: 'The request is not as described, or `username_refused`: error_description says why.',
    404: 'A source gives the name and the user name, or the tenant has no changes of user names.',
    409: '`username_taken`: the user name belongs to somebody else.',
    429: 'There were too many attempts; try again after Retry-After seconds.',
  },
  body: z.strictObject({
    name: nameSchema.nullable().optional(),
    locale: z
      .enum(['en', 'de'])
      .nullable()
      .optional()
      .meta({ description: 'The claim `locale`, and the language of mails about the account.' }),
    username: z.string().min(1).max(256).optional(),
  }),
  answer: { description: 'The account afterwards.', schema: accountSchema },
  handle: async ({ tenant, person, body: { username, ...change } }) => {
    // before anything is changed
    if (typeof change.name === 'string' && readFullName(change.name) === undefined)
      throw refusalFor({ ok: false, reason: 'name' });
    const renamed =
      username === undefined
        ? ({ ok: true, account: person.account } as const)
        : await tenant.profile.rename(person.account, username, person.by);
    if (!renamed.ok) throw refusalFor(renamed);
    const changed = await tenant.profile.change(renamed.account, definedOnly(change), person.by);
    if (!changed.ok) throw refusalFor(changed);
    return toPublicAccount(tenant, changed.account);
  },
});

const refusalFor = (outcome: Extract<ProfileOutcome | RenameOutcome, { readonly ok: false }>): Error => {
  switch (outcome.reason) {
    case 'elsewhere':
      return new AppError('not_found', 'The name is not changed here, but where it is kept');
    case 'not_offered':
      return new AppError('not_found', 'User names are not changed at this tenant');
    case 'name':
      return new AppError('invalid_request', 'The name must be plain text of 1 to 100 characters');
    case 'username':
      return refused(
        'The user name must have 1 to 256 visible characters, none of them @ : / or \\, and be none of those for operators',
      );
    case 'address':
      return refused(
        'The user name is an e-mail address that is not your own; choose one that is no address',
      );
    case 'taken':
      return new OperationRefusal(409, {
        code: 'username_taken',
        description: 'The user name belongs to somebody else; choose another one',
      });
    case 'throttled':
      return new AppError('throttled', 'There were too many attempts', {
        retryAfterSeconds: outcome.retryAfterSeconds,
      });
  }
};

const refused = (description: string): Error =>
  new OperationRefusal(400, { code: 'username_refused', description });
