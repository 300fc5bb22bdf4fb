import { auth, signIn, signOut } from '../auth.js';

export default async function Home() {
  const session = await auth();
  const act = async () => {
    'use server';
    await (session === null ? signIn('drawbridge') : signOut());
  };
  return (
    <form action={act}>
      {session !== null && (
        <p>
          Hello, {session.user.name}. Your groups: {session.user.groups.join(', ')}
        </p>
      )}
      <button type="submit">{session === null ? 'Sign in' : 'Sign out'}</button>
    </form>
  );
}
