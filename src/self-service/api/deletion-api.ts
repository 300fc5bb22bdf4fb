import { z } from 'zod';
import type { DeletionRefusal } from '../../accounts/deletion-request.ts';
import { timeSchema, toSeconds } from '../../web/api/api-schemas.ts';
import { OperationRefusal } from '../../web/api/described-operation.ts';
import { defineOperation } from './operation.ts';

const words: Readonly<Record<DeletionRefusal, string>> = {
  file: 'The account is in the file of the tenant: an administrator removes it there',
  tenant: 'This tenant does not let this person delete the account: an administrator can',
};

export const deleteOwnAccount = defineOperation({
  id: 'deleteOwnAccount',
  method: 'DELETE',
  path: '/account',
  summary: 'Delete the account, after a grace period',
  description:
    'All sessions and tokens of the person end at once, also the presented one. At `deleted_at` the account is deleted with all that is kept of the person, unless they sign in before that.',
  needsRecentSignIn: true,
  needsFactor: true,
  refusals: {
    403: '`not_offered`: the person cannot delete the account, error_description says who can; or the access token lacks the scope.',
  },
  answer: {
    status: 202,
    description: 'The person is signed out everywhere.',
    schema: z.object({ deleted_at: timeSchema.meta({ description: 'When the account is deleted.' }) }),
  },
  handle: async ({ tenant, person: { account, by } }) => {
    const begun = await tenant.deletion.begin(account, by);
    if (!begun.ok) throw new OperationRefusal(403, { code: 'not_offered', description: words[begun.reason] });
    return { deleted_at: toSeconds(begun.deleteAt) };
  },
});
