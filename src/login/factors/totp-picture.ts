import QRCode from 'qrcode';

/** A `data:` URL of the QR code that authenticator apps read. */
export const totpPicture = async (uri: string): Promise<string> => {
  const svg = await QRCode.toString(uri, { type: 'svg', margin: 2, errorCorrectionLevel: 'M' });
  return `data:image/svg+xml;base64,${Buffer.from(svg).toString('base64')}`;
};
