/** How clients may authenticate at the token endpoint (OpenID Connect Core section 9, RFC 8705 section 2). */
export const clientAuthMethods = [
  'client_secret_basic',
  'client_secret_post',
  'private_key_jwt',
  'tls_client_auth',
  'self_signed_tls_client_auth',
  'none',
] as const;
