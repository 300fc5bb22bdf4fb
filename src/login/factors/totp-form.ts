// The form that sets up an authenticator app, in the middle of a sign-in and at the account.
import QRCode from 'qrcode';
import { z } from 'zod';
import type { FactorProblem } from '../../web/page-problems.ts';
import { csrfField } from '../interaction-form.ts';

export const totpFields = z.object({
  csrf: csrfField,
  code: z.string().default(''),
  sealed: z.string().default(''),
  name: z.string().default(''),
});

/** What the page shows of a refusal. */
export const totpProblem = (reason: 'code' | 'expired' | 'limit'): FactorProblem =>
  reason === 'expired' ? 'set_up_expired' : reason;

/** A `data:` URL of the QR code that authenticator apps read. */
export const totpPicture = async (uri: string): Promise<string> => {
  const svg = await QRCode.toString(uri, { type: 'svg', margin: 2, errorCorrectionLevel: 'M' });
  return `data:image/svg+xml;base64,${Buffer.from(svg).toString('base64')}`;
};
