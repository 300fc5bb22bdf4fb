import type { Context } from 'koa';
import QRCode from 'qrcode';
import { AppError } from '../errors.ts';

/** The form of our user codes; nothing else is drawn. */
const userCodeForm = /^[BCDFGHJKLMNPQRSTVWXZ]{4}-?[BCDFGHJKLMNPQRSTVWXZ]{4}$/;

/** `verification_uri_complete` (RFC 8628 section 3.3.1) as a picture. Looks nothing up, so it reveals nothing. */
export const showDeviceQr = async (ctx: Context, issuer: string): Promise<void> => {
  const userCode = ctx.query.user_code;
  if (typeof userCode !== 'string' || !userCodeForm.test(userCode)) {
    throw new AppError('invalid_request', 'Give the user_code as it was shown, for example WDJB-MJHT');
  }
  const target = `${issuer}/device?user_code=${encodeURIComponent(userCode)}`;
  ctx.type = 'image/svg+xml';
  ctx.set('Cache-Control', 'no-store');
  ctx.body = await QRCode.toString(target, { type: 'svg', margin: 2, errorCorrectionLevel: 'M' });
};
