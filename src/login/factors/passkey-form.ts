// The field in which a browser sends what an authenticator has answered, as JSON (WebAuthn Level 3 section 5.1.8).
import { z } from 'zod';
import type { NewPasskeyAnswer, PasskeyAnswer } from '../../accounts/factors/passkey-ceremonies.ts';
import { definedOnly } from '../../defined-only.ts';
import { csrfField } from '../interaction-form.ts';

export const passkeyFields = z.object({ csrf: csrfField, credential: z.string().default('') });
export const newPasskeyFields = passkeyFields.extend({ name: z.string().default('') });

const bytes = z.string().regex(/^[\w-]{1,20000}$/);
const credential = { id: bytes, rawId: bytes, type: z.literal('public-key') };

const answerSchema = z.object({
  ...credential,
  response: z.object({
    clientDataJSON: bytes,
    authenticatorData: bytes,
    signature: bytes,
    userHandle: bytes.nullish(),
  }),
});

const newAnswerSchema = z.object({
  ...credential,
  response: z.object({
    clientDataJSON: bytes,
    attestationObject: bytes,
    transports: z.array(z.string().max(32)).max(10).optional(),
  }),
});

/** Undefined unless it has the form of an answer. */
export const readPasskeyAnswer = (text: string): PasskeyAnswer | undefined => {
  const { data } = answerSchema.safeParse(readJson(text));
  if (data === undefined) return undefined;
  const { userHandle, ...response } = data.response;
  return {
    ...data,
    response: { ...response, ...definedOnly({ userHandle: userHandle ?? undefined }) },
    clientExtensionResults: {},
  };
};

/** The same of a passkey that was made. */
export const readNewPasskeyAnswer = (text: string): NewPasskeyAnswer | undefined => {
  const { data } = newAnswerSchema.safeParse(readJson(text));
  if (data === undefined) return undefined;
  const { transports, ...response } = data.response;
  return { ...data, response: { ...response, ...definedOnly({ transports }) }, clientExtensionResults: {} };
};

const readJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};
