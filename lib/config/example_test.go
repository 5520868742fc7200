package config_test

import (
	"fmt"

	"igconnect/lib/config"
)

// A function looks only at the problems of the variables that it needs.
func ExampleLoad() {
	environment := map[string]string{
		"FB_APP_SECRET":       "a secret",
		"REDIRECT_URI":        "http://app.example/api/auth/callback",
		"SUPABASE_URL":        "https://abcdefgh.supabase.co/",
		"SUPABASE_SECRET_KEY": "sb_secret_x",
	}
	settings, problems := config.Load(func(name string) string { return environment[name] })
	fmt.Println(settings.SupabaseURL, settings.SupabaseKey)
	fmt.Println("deliveries:", problems.Among(config.Deliveries))
	fmt.Println("logins:", problems.Among(config.Connect))
	// Output:
	// https://abcdefgh.supabase.co [secret]
	// deliveries: <nil>
	// logins: FB_APP_ID is missing; REDIRECT_URI must start with https:// (http:// only for localhost)
}
