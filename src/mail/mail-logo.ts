import type { Branding } from '../config/tenant/tenant-definition.ts';

/** A picture that is part of the mail, so that nothing is loaded when the mail is read. */
export interface MailLogo {
  readonly contentType: string;
  readonly content: Buffer;
}

/** By which the HTML names it (RFC 2392). */
export const logoContentId = 'logo@mail';

/** Undefined for a logo elsewhere, and for kinds of pictures (SVG, WebP) that many mail programs do not show. */
export const mailLogo = ({ logo = '' }: Pick<Branding, 'logo'>): MailLogo | undefined => {
  const [, contentType, base64] = /^data:(image\/(?:png|jpeg));base64,(.+)$/.exec(logo) ?? [];
  if (contentType === undefined || base64 === undefined) return undefined;
  return { contentType, content: Buffer.from(base64, 'base64') };
};
