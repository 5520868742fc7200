import NextAuth from "next-auth";
import Credentials from "next-auth/providers/credentials";

export const { auth, handlers, signIn, signOut } = NextAuth({
  providers: [
    Credentials({
      credentials: { name: { label: "Name" } },
      authorize: ({ name }) => (name ? { id: String(name).toLowerCase(), name: String(name) } : null), // yours checks a password
    }),
  ],
  callbacks: {
    // Without a database Auth.js makes up another id at each sign-in. The provider's own one stays.
    jwt({ token, account }) {
      if (account) token.sub = `${account.provider}|${account.providerAccountId}`;
      return token;
    },
    // With a database it is the row's: session({ session, user }) and user.id.
    session({ session, token }) {
      session.user.id = token.sub ?? "";
      return session;
    },
  },
});
