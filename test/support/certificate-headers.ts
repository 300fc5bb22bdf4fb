/** In which proxies pass on the certificates of clients, as `clientCertificates.from` takes them, with their chains. */
export const certificateHeaders = [
  'Client-Cert',
  'Client-Cert-Chain',
  'X-SSL-Client-Cert',
  'X-Forwarded-Client-Cert',
  'X-Forwarded-Tls-Client-Cert',
] as const;
