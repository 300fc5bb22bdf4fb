// An account of one's own, on pages of an app.
import type { Context } from 'koa';
import { z } from 'zod';
import type { NewAccountOutcome } from '../../accounts/new-account.ts';
import type { RegistrationBegun } from '../../accounts/registration.ts';
import { codeSeconds, linkSeconds, newBrowser } from '../../accounts/verifications.ts';
import { AppError } from '../../errors.ts';
import { OperationRefusal } from '../../web/api/described-operation.ts';
import { localeOf } from '../../web/locale.ts';
import { nothingHere } from '../../web/problem.ts';
import { requestFacts } from '../../web/request-facts.ts';
import { clientSchema, getDirectClient, type NamedClient, refusalsOfClients, text } from './direct-client.ts';
import { type ApiTenant, definePublicOperation } from './operation.ts';

const refusalsOfRegistration = {
  ...refusalsOfClients,
  404: 'No client of this tenant may do this, or nobody can make an account here.',
};

/** @throws AppError, OperationRefusal */
const factsOf = (ctx: Context, { definition }: ApiTenant, named: NamedClient) => {
  getDirectClient(ctx, definition, named);
  if (definition.registration === undefined) throw nothingHere();
  const { address, requestId } = requestFacts(ctx);
  return { address, requestId, locale: localeOf(ctx, definition.locale) };
};

export const beginRegistration = definePublicOperation({
  id: 'beginRegistration',
  method: 'POST',
  path: '/registrations',
  summary: 'Begin to make an account: a code is sent to the address',
  description:
    'For clients with `directLogin: true`. The answer does not say whether somebody has this address; a mail says it. The mail is in the language of `Accept-Language`.',
  body: z.strictObject({ ...clientSchema, email: text }),
  answer: {
    status: 202,
    description: 'A mail is sent.',
    schema: z
      .object({
        registration_id: z.string().meta({ description: 'Belongs to the code. Keep it secret.' }),
        code_expires_in: z.int().min(0).meta({ description: 'Seconds for the code.' }),
      })
      .meta({ id: 'NewRegistration' }),
  },
  refusals: {
    ...refusalsOfRegistration,
    403: 'The client may not do this, or `registration_refused`: nobody makes an account with this address; error_description says why.',
  },
  handle: async ({ ctx, tenant, body: { email, ...named } }) => {
    const facts = factsOf(ctx, tenant, named);
    if (tenant.definition.registration?.mode === 'invited') throw nothingHere();
    const browser = newBrowser();
    const userAgent = ctx.get('User-Agent');
    const begun = await tenant.registration.begin({ ...facts, email, browser, userAgent });
    if (!begun.ok) throw refusalToBegin(begun);
    return { registration_id: browser, code_expires_in: codeSeconds };
  },
});

const refusalToBegin = (refused: Extract<RegistrationBegun, { readonly ok: false }>): Error => {
  const refusal = (description: string): Error =>
    new OperationRefusal(403, { code: 'registration_refused', description });
  switch (refused.reason) {
    case 'address':
      return new AppError('invalid_request', 'email is not one plain e-mail address');
    case 'domain':
      return refusal('Nobody makes an account with an address of this domain');
    case 'elsewhere':
      return refusal(`People of this domain sign in with ${refused.source}`);
    case 'refused':
      return refusal('The operator refuses this registration');
    case 'unavailable':
      return new AppError('unavailable', 'The service that allows registrations does not answer now', {
        retryAfterSeconds: refused.retryAfterSeconds,
      });
    case 'throttled':
      return throttled(refused.retryAfterSeconds);
  }
};

const throttled = (retryAfterSeconds: number): Error =>
  new AppError('throttled', 'There were too many attempts', { retryAfterSeconds });

export const verifyRegistration = definePublicOperation({
  id: 'verifyRegistration',
  method: 'POST',
  path: '/registrations/verify',
  summary: 'Present the code of the mail',
  body: z.strictObject({ ...clientSchema, registration_id: text, code: text }),
  answer: {
    description: 'The address is proven.',
    schema: z
      .object({
        token: z.string().meta({ description: 'Stands for the address; used once.' }),
        expires_in: z.int().min(0).meta({ description: 'Seconds.' }),
      })
      .meta({ id: 'ProvenAddress' }),
  },
  refusals: {
    ...refusalsOfRegistration,
    400: 'The request is not as described, or `invalid_code`: the code is wrong, too old or used. After five codes it is always so.',
  },
  handle: async ({ ctx, tenant, body: { registration_id: browser, code, ...named } }) => {
    factsOf(ctx, tenant, named);
    const token = await tenant.registration.exchangeCode({ browser, code });
    if (token === undefined)
      throw new OperationRefusal(400, {
        code: 'invalid_code',
        description: 'The code is wrong, has expired, or was used already',
      });
    return { token, expires_in: linkSeconds };
  },
});

export const finishRegistration = definePublicOperation({
  id: 'finishRegistration',
  method: 'POST',
  path: '/registrations/finish',
  summary: 'Make the account',
  description: 'No session begins: the person signs in afterwards.',
  body: z.strictObject({
    ...clientSchema,
    token: text,
    name: text,
    username: text.optional().meta({ description: 'Default: the e-mail address.' }),
    password: text,
  }),
  answer: {
    status: 201,
    description: 'There is an account.',
    schema: z.object({ sub: z.string() }).meta({ id: 'NewAccount' }),
  },
  refusals: {
    ...refusalsOfRegistration,
    400: 'The request is not as described, or `invalid_token`, `password_refused`, `username_refused`, `name_refused`: error_description says why.',
    409: '`username_taken`, or `account_exists`: somebody has this address meanwhile.',
  },
  handle: async ({ ctx, tenant, body: { token, name, username, password, ...named } }) => {
    const facts = factsOf(ctx, tenant, named);
    const outcome = await tenant.registration.finish({ ...facts, link: token, name, username, password });
    if (!outcome.ok) throw refusalToFinish(outcome);
    return { sub: outcome.account.sub };
  },
});

const refusalToFinish = (refused: Extract<NewAccountOutcome, { readonly ok: false }>): Error => {
  const refusal = (status: number, code: string, description: string): Error =>
    new OperationRefusal(status, { code, description });
  switch (refused.reason) {
    case 'link':
      return refusal(400, 'invalid_token', 'The token is not valid, has expired, or was used already');
    case 'known':
      return refusal(409, 'account_exists', 'There is an account with this e-mail address');
    case 'name':
      return refusal(400, 'name_refused', 'A name is plain text of 1 to 100 characters');
    case 'username':
      return refusal(
        400,
        'username_refused',
        'This user name cannot be chosen; leave it out, or choose another',
      );
    case 'taken':
      return refusal(409, 'username_taken', 'The user name belongs to somebody else; choose another one');
    case 'policy':
      return refusal(400, 'password_refused', refused.message);
    case 'throttled':
      return throttled(refused.retryAfterSeconds);
  }
};
