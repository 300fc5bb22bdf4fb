import type { Context } from 'koa';
import type { Pictures } from '../accounts/pictures.ts';
import { AppError } from '../errors.ts';

/**
 * The picture of a person, for everybody who knows its address: those who may know the claim `picture`. Pages of all
 * origins may show it; it is always our own JPEG.
 */
export const showPicture = async (
  ctx: Context,
  { pictures }: { readonly pictures: Pictures },
  { sub, id }: { readonly sub: string; readonly id: string },
): Promise<void> => {
  const picture = await pictures.find(sub, id);
  if (picture === undefined) throw new AppError('not_found', 'There is no such picture');
  ctx.set('Cache-Control', 'public, max-age=3600');
  ctx.set('X-Content-Type-Options', 'nosniff');
  ctx.set('Cross-Origin-Resource-Policy', 'cross-origin');
  ctx.set('Content-Security-Policy', "default-src 'none'; frame-ancestors 'none'");
  ctx.type = 'image/jpeg';
  ctx.body = picture;
};
