// A new password for somebody who has forgotten theirs, on pages of an app.
import type { Context } from 'koa';
import { z } from 'zod';
import { codeSeconds, newBrowser } from '../../accounts/verifications.ts';
import { AppError } from '../../errors.ts';
import { OperationRefusal } from '../../web/api/described-operation.ts';
import { localeOf } from '../../web/locale.ts';
import { nothingHere } from '../../web/problem.ts';
import { requestFacts } from '../../web/request-facts.ts';
import { clientSchema, getDirectClient, type NamedClient, refusalsOfClients, text } from './direct-client.ts';
import { type ApiTenant, definePublicOperation } from './operation.ts';

const refusals = {
  ...refusalsOfClients,
  404: 'No client of this tenant may do this, or the tenant has no `recovery`.',
};

/** @throws AppError, OperationRefusal */
const factsOf = (ctx: Context, { definition }: ApiTenant, named: NamedClient) => {
  getDirectClient(ctx, definition, named);
  if (definition.recovery === undefined) throw nothingHere();
  const { address, requestId } = requestFacts(ctx);
  return { address, requestId, locale: localeOf(ctx, definition.locale) };
};

export const beginPasswordReset = definePublicOperation({
  id: 'beginPasswordReset',
  method: 'POST',
  path: '/password-resets',
  summary: 'Begin to set a new password: a code is sent to the address of the account',
  description:
    'For clients with `directLogin: true`. The answer does not say whether there is such an account. The mail is in the language of `Accept-Language`.',
  body: z.strictObject({
    ...clientSchema,
    username: z.string().min(1).max(256).meta({ description: 'The user name or the e-mail address.' }),
  }),
  answer: {
    status: 202,
    description: 'A mail is sent if there is such an account.',
    schema: z
      .object({
        reset_id: z.string().meta({ description: 'Belongs to the code. Keep it secret.' }),
        code_expires_in: z.int().min(0).meta({ description: 'Seconds for the code.' }),
      })
      .meta({ id: 'NewPasswordReset' }),
  },
  refusals,
  handle: async ({ ctx, tenant, body: { username: login, ...named } }) => {
    const facts = factsOf(ctx, tenant, named);
    const browser = newBrowser();
    const begun = await tenant.recovery.begin({ ...facts, login, browser });
    if (!begun.ok)
      throw new AppError('throttled', 'There were too many attempts', {
        retryAfterSeconds: begun.retryAfterSeconds,
      });
    return { reset_id: browser, code_expires_in: codeSeconds };
  },
});

export const verifyPasswordReset = definePublicOperation({
  id: 'verifyPasswordReset',
  method: 'POST',
  path: '/password-resets/verify',
  summary: 'Present the code of the mail',
  body: z.strictObject({ ...clientSchema, reset_id: text, code: text }),
  answer: {
    description: 'The code was right.',
    schema: z
      .object({
        token: z.string().meta({ description: 'Stands for the account; used once.' }),
        expires_in: z.int().min(0).meta({ description: 'Seconds.' }),
      })
      .meta({ id: 'ProvenReset' }),
  },
  refusals: {
    ...refusals,
    400: 'The request is not as described, or `invalid_code`: the code is wrong, too old or used. After five codes it is always so.',
  },
  handle: async ({ ctx, tenant, body: { reset_id: browser, code, ...named } }) => {
    factsOf(ctx, tenant, named);
    const token = await tenant.recovery.exchangeCode({ browser, code });
    if (token === undefined)
      throw new OperationRefusal(400, {
        code: 'invalid_code',
        description: 'The code is wrong, has expired, or was used already',
      });
    return { token, expires_in: codeSeconds };
  },
});

export const finishPasswordReset = definePublicOperation({
  id: 'finishPasswordReset',
  method: 'POST',
  path: '/password-resets/finish',
  summary: 'Set the new password',
  description:
    'All sessions and tokens of the person end, and none begins: the person signs in afterwards, with the second factor that is asked for.',
  body: z.strictObject({ ...clientSchema, token: text, password: text }),
  answer: { description: 'The account has the new password.' },
  refusals: {
    ...refusals,
    400: 'The request is not as described, or `invalid_token`, or `password_refused`: error_description says why, and the token can be used again.',
  },
  handle: async ({ ctx, tenant, body: { token: link, password, ...named } }) => {
    const outcome = await tenant.recovery.reset({ ...factsOf(ctx, tenant, named), link, password });
    if (outcome.ok) return undefined;
    throw outcome.reason === 'policy'
      ? new OperationRefusal(400, { code: 'password_refused', description: outcome.message })
      : new OperationRefusal(400, {
          code: 'invalid_token',
          description: 'The token is not valid, has expired, or was used already; begin again',
        });
  },
});
