import { z } from 'zod';
import type { PasswordChangeOutcome } from '../../accounts/account-types.ts';
import { canChangePassword } from '../../accounts/managed-elsewhere.ts';
import { AppError } from '../../errors.ts';
import { OperationRefusal } from '../../web/api/described-operation.ts';
import { defineOperation } from './operation.ts';

/** Characters; what a password may be is judged where it is kept. */
const longestPassword = 1000;
const passwordSchema = z.string().min(1).max(longestPassword);

const notHere = 'The password cannot be changed here, but where it is kept';

export const changeOwnPassword = defineOperation({
  id: 'changeOwnPassword',
  method: 'PUT',
  path: '/password',
  summary: 'Change the password',
  description: 'All sessions and tokens of the person end, also the presented one.',
  needsFactor: true,
  refusals: {
    400: 'The request is not as described, or `password_refused`: error_description says why.',
    403: `\`wrong_password\`, or the access token lacks the scope.`,
    404: notHere,
    429: 'There were too many attempts; try again after Retry-After seconds.',
  },
  body: z.strictObject({ old_password: passwordSchema, new_password: passwordSchema }),
  answer: { description: 'The password is changed.' },
  handle: async ({ tenant, person: { account, by }, body }) => {
    const { definition, connectors, accounts } = tenant;
    if (!canChangePassword(account, { sources: definition.sources, connectors }))
      throw new AppError('not_found', notHere);
    const outcome = await accounts.changePassword({
      login: account.username,
      sub: account.sub,
      password: body.old_password,
      newPassword: body.new_password,
      ...{ address: by.address, requestId: by.requestId, via: 'page' },
    });
    if (!outcome.ok) throw refusalFor(outcome);
    return undefined;
  },
});

const refusalFor = (outcome: Extract<PasswordChangeOutcome, { readonly ok: false }>): Error => {
  switch (outcome.reason) {
    case 'credentials':
      return new OperationRefusal(403, { code: 'wrong_password', description: 'The old password is wrong' });
    case 'policy': {
      const description = outcome.message ?? 'The new password was not accepted where it is kept';
      return new OperationRefusal(400, { code: 'password_refused', description });
    }
    case 'throttled':
      return new AppError('throttled', 'There were too many attempts', {
        retryAfterSeconds: outcome.retryAfterSeconds,
      });
    case 'not_offered':
      return new AppError('not_found', notHere);
  }
};
