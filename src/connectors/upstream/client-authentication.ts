import { importPKCS8 } from 'jose';
import {
  type ClientAuth,
  ClientSecretBasic,
  ClientSecretJwt,
  ClientSecretPost,
  type ModifyAssertionOptions,
  modifyAssertion,
  None,
  PrivateKeyJwt,
  TlsClientAuth,
} from 'openid-client';
import type { UpstreamSource } from '../../config/source/source-definition.ts';
import { AppError } from '../../errors.ts';

/**
 * Our client authentication at an upstream (OpenID Connect Core section 9, RFC 8705).
 * @param audience of assertions, where it is not the issuer
 * @throws AppError `unavailable` when the source's key cannot be used
 */
export const createClientAuthentication = async (
  source: UpstreamSource,
  audience: string | undefined,
): Promise<ClientAuth> => {
  const { clientSecret = '', clientAuthMethod, privateKey } = source;
  const options: ModifyAssertionOptions =
    audience === undefined
      ? {}
      : {
          [modifyAssertion]: (_header, payload) => {
            payload.aud = audience;
          },
        };
  switch (clientAuthMethod) {
    case 'client_secret_basic':
      return ClientSecretBasic(clientSecret);
    case 'client_secret_post':
      return ClientSecretPost(clientSecret);
    case 'client_secret_jwt':
      return ClientSecretJwt(clientSecret, options);
    case 'private_key_jwt':
      return PrivateKeyJwt(await importKey(privateKey), options);
    case 'tls_client_auth':
    case 'self_signed_tls_client_auth':
      return TlsClientAuth();
    case 'none':
      return None();
  }
};

const importKey = async (privateKey: UpstreamSource['privateKey']) => {
  try {
    const { pem = '', alg = '', kid } = privateKey ?? {};
    const key = await importPKCS8(pem, alg);
    return kid === undefined ? { key } : { key, kid };
  } catch {
    // The message of the parser may quote the key.
    throw new AppError('unavailable', 'The private key of this source cannot be used', {
      detail: `it is no PKCS #8 key for ${privateKey?.alg ?? 'any algorithm'}: correct "privateKey" of the source`,
      isLasting: true,
    });
  }
};
