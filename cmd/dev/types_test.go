package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestPartTypes checks public/igconnect/connect.d.ts by what an app may do, and may not.
func TestPartTypes(t *testing.T) {
	if testing.Short() {
		t.Skip("installs packages")
	}
	t.Parallel()
	const use = `import { accounts, connect, disconnect, type Account, type Refusal } from "./connect.js";
connect.base = "https://connect.example.com";
connect.token = async () => undefined;
connect.texts.connect = "Instagram verbinden";
const list: Account[] = await accounts();
await disconnect(list[0].instagram_id).catch((err: Refusal) => console.log(err.code, err.message));
await connect({ returnTo: "/settings", provider: "instagram", instagramId: "1", target: "tab", lang: "de" });
addEventListener("igconnect:change", ({ detail }) => console.log(detail.accounts.length, detail.connected?.join()));
document.querySelector("igconnect-button")?.setAttribute("base", connect.base);
// @ts-expect-error
await connect({ target: "popup" });
// @ts-expect-error
connect.texts = "Connect";
// @ts-expect-error
list[0].token;
`
	types, err := os.ReadFile("../../public/igconnect/connect.d.ts")
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	writeFiles(t, folder, map[string]string{"connect.d.ts": string(types), "use.ts": use})
	compiler := filepath.Join(packagesOf(t, "nextjs"), "node_modules", "typescript", "bin", "tsc")
	check := exec.CommandContext(t.Context(), "node", compiler, "--strict", "--noEmit", "--target", "es2022", "--module", "esnext",
		"--moduleResolution", "bundler", "use.ts")
	check.Dir = folder
	if said, err := check.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, said)
	}
}

// TestVouchTypes checks the types of the app with Auth.js, whose packages for this machine alone it does
// not need.
func TestVouchTypes(t *testing.T) {
	if testing.Short() {
		t.Skip("installs packages")
	}
	t.Parallel()
	check := exec.CommandContext(t.Context(), "npm", "run", "check")
	check.Dir = exampleOf(t, "vouch/next-authjs", "--omit=optional")
	if said, err := check.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, said)
	}
}
