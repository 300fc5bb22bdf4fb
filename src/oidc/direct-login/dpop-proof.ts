import { calculateJwkThumbprint, EmbeddedJWK, jwtVerify } from 'jose';
import { errors, type KoaContextWithOIDC, type Provider } from 'oidc-provider';
import { type Clock, epochSeconds } from '../../clock.ts';
import { dpopAlgorithms } from '../../protocol/signature-algorithms.ts';
import { asProtocolErrors } from '../provider/errors.ts';

export interface DpopProof {
  /** Of its key (RFC 7638). */
  readonly thumbprint: string;
  /** A proof is good once, for one client. @throws errors.InvalidDpopProof */
  use(clientId: string): Promise<void>;
}

/**
 * The proof in the header of a request, which the library verifies for its own grants only.
 * @throws errors.InvalidDpopProof unless it is as in RFC 9449 section 4.3; undefined without one
 */
export type VerifyDpopProof = (ctx: KoaContextWithOIDC) => Promise<DpopProof | undefined>;

/** Seconds between the clock of the app and ours; the library has the same. */
const longestAge = 300;

export interface DpopProofParts {
  readonly provider: Pick<Provider, 'ReplayDetection'>;
  /** URL of the endpoint. */
  readonly uri: string;
  readonly clock: Clock;
}

export const createVerifyDpopProof =
  ({ provider, uri, clock }: DpopProofParts): VerifyDpopProof =>
  async (ctx) => {
    const proof = ctx.get('DPoP');
    if (proof === '') return undefined;
    const { jwk, jti, iat, htm, htu } = await readProof(proof, clock);
    if (typeof jti !== 'string' || jti === '') throw new errors.InvalidDpopProof('the DPoP proof has no jti');
    if (typeof iat !== 'number' || Math.abs(epochSeconds(clock) - iat) > longestAge)
      throw new errors.InvalidDpopProof('the iat of the DPoP proof is not the present time');
    if (htm !== ctx.method) throw new errors.InvalidDpopProof('the DPoP proof is for another method (htm)');
    if (typeof htu !== 'string' || withoutQuery(htu) !== withoutQuery(uri))
      throw new errors.InvalidDpopProof(`the DPoP proof is for another URL (htu) than ${uri}`);
    return {
      thumbprint: await calculateJwkThumbprint(jwk),
      use: async (clientId) => {
        const { ReplayDetection } = provider;
        const isFirst = await asProtocolErrors(() =>
          ReplayDetection.unique(clientId, jti, iat + longestAge + 1),
        );
        if (!isFirst) throw new errors.InvalidDpopProof('the DPoP proof was used already');
      },
    };
  };

/** Signature and header; the claims are unchecked. */
const readProof = async (proof: string, clock: Clock) => {
  try {
    const options = { algorithms: [...dpopAlgorithms], typ: 'dpop+jwt', currentDate: new Date(clock.now()) };
    const { protectedHeader, payload } = await jwtVerify<{ htm: unknown; htu: unknown }>(
      proof,
      EmbeddedJWK,
      options,
    );
    const { jwk = {} } = protectedHeader;
    return { ...payload, jwk };
  } catch (cause) {
    throw new errors.InvalidDpopProof('the DPoP proof is not a signed JWT as in RFC 9449 section 4.2', {
      cause: cause as Error, // of jose
    });
  }
};

const withoutQuery = (url: string): string | undefined => {
  if (!URL.canParse(url)) return undefined;
  const { origin, pathname } = new URL(url);
  return origin + pathname;
};
