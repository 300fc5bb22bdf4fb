import { z } from 'zod';
import type { FactorAdded } from '../../accounts/factors/added-factor.ts';
import { type FactorFacts, factorFacts, recoveryCodesLeft } from '../../accounts/factors/factor-facts.ts';
import type { FactorOrigin } from '../../accounts/factors/proven-factor.ts';
import { definedOnly } from '../../defined-only.ts';
import { AppError } from '../../errors.ts';
import { idSchema, timeSchema, toSeconds } from '../../web/api/api-schemas.ts';
import { nameSchema } from './api-schemas.ts';
import { type ApiPerson, type ApiTenant, defineOperation } from './operation.ts';

const factorSchema = z
  .object({
    id: idSchema,
    type: z.enum(['totp', 'passkey']).meta({
      description: '`totp`: an authenticator app. `passkey`: a passkey or security key.',
    }),
    name: z.string(),
    created_at: timeSchema,
    last_used_at: timeSchema.optional(),
  })
  .meta({ id: 'Factor' });

const recoveryCodes = z
  .array(z.string())
  .meta({ description: 'Each works once, in place of a code of the app. They are not shown again.' });

export const addedAnswer = {
  description: 'The factor; with the first one the recovery codes.',
  schema: z.object({ factor: factorSchema, recovery_codes: recoveryCodes.optional() }),
};

/** @throws AppError `not_found` */
export const toAdded = ({
  account,
  recoveryCodes: codes,
}: Extract<FactorAdded, { readonly ok: true }>): z.input<typeof addedAnswer.schema> => {
  const factor = factorFacts(account).map(toPublicFactor).at(-1);
  if (factor === undefined) throw new AppError('not_found', 'The factor was removed meanwhile');
  return { factor, ...definedOnly({ recovery_codes: codes && [...codes] }) };
};

/** Changes of factors: of a person who has just signed in, with a factor if there is one. */
export const protectedChange = { needsRecentSignIn: true, needsFactor: true } as const;

const offered = ({ definition }: ApiTenant): void => {
  if (definition.secondFactor.methods.length === 0)
    throw new AppError('not_found', 'This tenant has no second factors');
};

const notOffered = { 404: 'The tenant has no second factors, or there is no such one.' } as const;

export const listOwnFactors = defineOperation({
  id: 'listOwnFactors',
  method: 'GET',
  path: '/factors',
  summary: 'Second factors of the person',
  acceptsKeys: 'people',
  refusals: notOffered,
  answer: {
    description: 'The factors, and how many recovery codes are left.',
    schema: z.object({ factors: z.array(factorSchema), recovery_codes_left: z.int().min(0) }),
  },
  handle: async ({ tenant, person: { account } }) => {
    offered(tenant);
    return {
      factors: factorFacts(account).map(toPublicFactor),
      recovery_codes_left: recoveryCodesLeft(account),
    };
  },
});

export const beginOwnTotp = defineOperation({
  id: 'beginOwnTotp',
  method: 'POST',
  path: '/totp',
  summary: 'Begin to set up an authenticator app',
  description: 'Nothing is stored. The app reads `uri` as a QR code; `confirmOwnTotp` takes its first code.',
  ...protectedChange,
  refusals: notOffered,
  answer: {
    description: 'For half an hour.',
    schema: z.object({
      secret: z.string().meta({ description: 'Base32, for people who cannot scan a QR code.' }),
      uri: z.string().meta({ description: '`otpauth` URI.' }),
      set_up: z.string().meta({ description: 'To be sent with the first code.' }),
    }),
  },
  handle: async ({ tenant, person: { account } }) => {
    offered(tenant);
    const { secret, uri, sealed } = tenant.accounts.factors.newTotp(account);
    return { secret, uri, set_up: sealed };
  },
});

export const confirmOwnTotp = defineOperation({
  id: 'confirmOwnTotp',
  method: 'POST',
  path: '/factors',
  summary: 'Add an authenticator app',
  ...protectedChange,
  refusals: notOffered,
  body: z.strictObject({
    set_up: z.string().max(1000),
    code: z.string().max(32).meta({ description: 'The code that the app shows.' }),
    name: nameSchema,
  }),
  answer: addedAnswer,
  handle: async ({ tenant, person, body: { set_up: sealed, code, name } }) => {
    offered(tenant);
    const added = await tenant.accounts.factors.addTotp(
      person.account,
      { sealed, code, name },
      originOf(person),
    );
    if (!added.ok) throw new AppError('invalid_request', refusalWords[added.reason]);
    return toAdded(added);
  },
});

export const removeOwnFactor = defineOperation({
  id: 'removeOwnFactor',
  method: 'DELETE',
  path: '/factors/{id}',
  summary: 'Remove a second factor',
  description: 'With the last one the recovery codes are removed too.',
  ...protectedChange,
  parameters: { path: z.object({ id: idSchema }) },
  answer: { description: 'It is no longer asked for.' },
  handle: async ({ tenant, person, path }) => {
    if (!(await tenant.accounts.factors.remove(person.account, path.id, originOf(person))))
      throw new AppError('not_found', 'There is no such second factor');
    return undefined;
  },
});

export const renewOwnRecoveryCodes = defineOperation({
  id: 'renewOwnRecoveryCodes',
  method: 'POST',
  path: '/recovery-codes',
  summary: 'New recovery codes in place of the old ones',
  ...protectedChange,
  refusals: { 404: 'There is no second factor that they could stand in for.' },
  answer: { description: 'The new codes.', schema: z.object({ recovery_codes: recoveryCodes }) },
  handle: async ({ tenant, person }) => {
    const renewed = await tenant.accounts.factors.renewRecoveryCodes(person.account, originOf(person));
    if (renewed === undefined) throw new AppError('not_found', 'There is no second factor yet');
    return { recovery_codes: [...renewed.codes] };
  },
});

const refusalWords = {
  code: 'The code is wrong. Send the code that the app shows now',
  expired: 'set_up is not valid, or has expired. Begin again',
  limit: 'There are too many second factors already. Remove one first',
} as const;

const originOf = ({ by: { address, requestId } }: ApiPerson): FactorOrigin => ({ address, requestId });

const toPublicFactor = ({ createdAt, lastUsedAt, ...factor }: FactorFacts): z.input<typeof factorSchema> => ({
  ...factor,
  created_at: toSeconds(createdAt),
  ...definedOnly({ last_used_at: lastUsedAt === undefined ? undefined : toSeconds(lastUsedAt) }),
});
