// A new passkey from an app's own page. The browser makes it for the host of the issuer, so the page has the origin of the issuer.
import { z } from 'zod';
import { definedOnly } from '../../defined-only.ts';
import { AppError } from '../../errors.ts';
import { nameSchema } from './api-schemas.ts';
import { addedAnswer, protectedChange, toAdded } from './factor-api.ts';
import { type ApiPerson, defineOperation } from './operation.ts';

const notOffered = { 404: 'The tenant has no passkeys.' } as const;

const bytes = z.string().regex(/^[A-Za-z0-9_-]{1,12000}$/);

/** WebAuthn Level 3 section 5.1.8; what else a browser sends is not looked at. */
const credentialSchema = z
  .object({
    id: bytes,
    rawId: bytes,
    type: z.literal('public-key'),
    response: z.object({
      clientDataJSON: bytes,
      attestationObject: bytes,
      transports: z.array(z.string().max(32)).max(10).optional(),
    }),
  })
  .meta({ id: 'RegistrationResponseJSON' });

/** Same section. */
const optionsSchema = z
  .looseObject({ challenge: z.string(), rp: z.looseObject({ id: z.string(), name: z.string() }) })
  .meta({ id: 'PublicKeyCredentialCreationOptionsJSON' });

export const beginOwnPasskey = defineOperation({
  id: 'beginOwnPasskey',
  method: 'POST',
  path: '/passkeys/options',
  summary: 'Begin to add a passkey or security key',
  description:
    'Nothing is stored. `options` are for `PublicKeyCredential.parseCreationOptionsFromJSON` and ' +
    '`navigator.credentials.create`, on a page at the origin of the issuer.',
  ...protectedChange,
  refusals: notOffered,
  answer: { description: 'For half an hour.', schema: z.object({ options: optionsSchema }) },
  handle: async ({ tenant, person }) => {
    const { passkeys } = tenant.accounts.factors;
    const options = await passkeys.askForNew(person.account, placeOf(person));
    return { options: JSON.parse(options) as z.input<typeof optionsSchema> }; // made for a browser, as text
  },
});

export const addOwnPasskey = defineOperation({
  id: 'addOwnPasskey',
  method: 'POST',
  path: '/passkeys',
  summary: 'Add the passkey that the browser has made',
  description: 'With an access token of the same grant as at the beginning.',
  ...protectedChange,
  refusals: notOffered,
  body: z.strictObject({
    credential: credentialSchema.meta({ description: '`toJSON()` of what the browser returns.' }),
    name: nameSchema,
  }),
  answer: addedAnswer,
  handle: async ({ tenant, person, body: { credential, name } }) => {
    const { transports, ...response } = credential.response;
    const added = await tenant.accounts.factors.passkeys.add(
      person.account,
      {
        answer: {
          ...credential,
          response: { ...response, ...definedOnly({ transports }) },
          clientExtensionResults: {},
        },
        browser: placeOf(person),
        name,
      },
      { address: person.by.address, requestId: person.by.requestId },
    );
    if (!added.ok) throw new AppError('invalid_request', refusalWords[added.reason]);
    return toAdded(added);
  },
});

/** In place of a browser: what was begun with one token is not finished with that of another sign-in. */
const placeOf = ({ revocationIds }: ApiPerson): string => revocationIds.join(' ');

const refusalWords = {
  passkey:
    'The passkey is not valid. It must be made at the origin of the issuer, with the options of the same sign-in',
  expired: 'The options have expired. Begin again',
  limit: 'There are too many second factors already. Remove one first',
} as const;
