import NextAuth from 'next-auth';

export const { handlers, auth, signIn, signOut } = NextAuth({
  trustHost: true,
  // AUTH_SECRET of the environment: npx auth secret
  providers: [
    {
      id: 'drawbridge',
      name: 'Drawbridge',
      type: 'oidc',
      issuer: process.env.ISSUER ?? 'http://localhost:3000/oauth/examples',
      clientId: 'nextjs',
      clientSecret: process.env.CLIENT_SECRET ?? 'nextjs-example-secret-only-for-localhost',
      authorization: { params: { scope: 'openid profile email groups' } },
      checks: ['pkce', 'state', 'nonce'],
    },
  ],
  callbacks: {
    // the ID token is there at the sign-in only
    jwt: ({ token, profile }) => (profile === undefined ? token : { ...token, groups: profile.groups ?? [] }),
    session: ({ session, token }) => ({ ...session, user: { ...session.user, groups: token.groups } }),
  },
});
