// Another e-mail address of the person of the access token.
import { z } from 'zod';
import type { EmailBegun } from '../../accounts/email-change.ts';
import { newBrowser } from '../../accounts/verifications.ts';
import { AppError } from '../../errors.ts';
import { OperationRefusal } from '../../web/api/described-operation.ts';
import { localeOf } from '../../web/locale.ts';
import { type ApiPerson, type ApiTenant, defineOperation } from './operation.ts';

const text = z.string().min(1).max(1000);
const notHere =
  'The e-mail address is not changed here, but where the profile is kept; or there is no mail server';

const offered = ({ emailChanges }: ApiTenant, { account }: ApiPerson): void => {
  if (!emailChanges.isOffered(account)) throw new AppError('not_found', notHere);
};

export const beginOwnEmailChange = defineOperation({
  id: 'beginOwnEmailChange',
  method: 'POST',
  path: '/email-changes',
  summary: 'Ask for another e-mail address',
  description:
    'A mail with a code goes to the new address. The answer does not say whether somebody has this address.',
  needsRecentSignIn: true,
  needsFactor: true,
  refusals: {
    400: 'The request is not as described, or `email_refused`: error_description says why.',
    404: `${notHere}.`,
    429: 'There were too many attempts; try again after Retry-After seconds.',
  },
  body: z.strictObject({ email: text }),
  answer: {
    status: 202,
    description: 'The mail is on its way.',
    schema: z.object({ verification_id: z.string().meta({ description: 'Belongs to the code.' }) }),
  },
  handle: async ({ ctx, tenant, person, body: { email } }) => {
    offered(tenant, person);
    const browser = newBrowser();
    const locale = localeOf(ctx, tenant.definition.locale);
    const begun = await tenant.emailChanges.begin(person.account, { email, browser, locale }, person.by);
    if (!begun.ok) throw refusalFor(begun);
    return { verification_id: browser };
  },
});

export const verifyOwnEmailChange = defineOperation({
  id: 'verifyOwnEmailChange',
  method: 'POST',
  path: '/email-changes/verify',
  summary: 'Present the code of the mail',
  description: 'The account has the new address then, and the old address gets a mail that can undo it.',
  refusals: {
    400: 'The request is not as described, or `invalid_code`: wrong, too old, used, or too many attempts.',
    404: `${notHere}.`,
    409: '`email_taken`: another account has the address by now.',
  },
  body: z.strictObject({ verification_id: text, code: text.meta({ description: 'Of the mail.' }) }),
  answer: { description: 'The address is changed.' },
  handle: async ({ tenant, person, body: { verification_id: browser, code } }) => {
    offered(tenant, person);
    const outcome = await tenant.emailChanges.confirm(person.account, { browser, code }, person.by);
    if (outcome.ok) return undefined;
    throw outcome.reason === 'taken'
      ? new OperationRefusal(409, {
          code: 'email_taken',
          description: 'Another account has the address by now; use another one',
        })
      : new OperationRefusal(400, {
          code: 'invalid_code',
          description: 'The code is wrong, too old or already used; ask for another mail',
        });
  },
});

const refusalFor = (begun: Extract<EmailBegun, { readonly ok: false }>): Error => {
  switch (begun.reason) {
    case 'address':
      return refused('The address must be one plain e-mail address, such as name@example.com');
    case 'same':
      return refused('The account has this address already, and it is verified');
    case 'elsewhere':
      return refused(
        `People with an address of this domain sign in with ${begun.source}; use another address`,
      );
    case 'throttled':
      return new AppError('throttled', 'There were too many attempts', {
        retryAfterSeconds: begun.retryAfterSeconds,
      });
  }
};

const refused = (description: string): Error =>
  new OperationRefusal(400, { code: 'email_refused', description });
