package hw_test

import (
	"strings"
	"testing"

	"rackpost/hw"
)

func TestCheckName(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"FRA-3", "x", "Rack A 12", "上海浦东金桥数据中心（三号楼）·二层", "中国电信第①机房", "München", "Łódź", "Санкт-Петербург", "Αθήνα", "東京データセンター", "서울 상암",
		"מרכז נתונים", "مركز البيانات", "Hà Nội", "กรุงเทพ", "दिल्ली", "O'Hare / \"B\" #2 <3>", "Δ→☎", "Ọ̀yọ́", strings.Repeat("数", hw.MaxName),
	} {
		if err := hw.CheckName(name); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	for name, words := range map[string]string{
		"":                                "is empty",
		"a\xffb":                          "not UTF-8",
		"a\ufffdb":                        "not UTF-8",
		strings.Repeat("数", hw.MaxName+1): "has 65 characters",
		" a":                              "begins or ends",
		"a ":                              "begins or ends",
		"a  b":                            "two blanks",
		"a\nb":                            "character 2, U+000A, is a blank of another kind",
		"a\u00a0b":                        "U+00A0, is a blank of another kind",
		"上海\u3000二":                       "character 3, U+3000, is a blank of another kind",
		"a\u2800b":                        "is a blank of another kind",
		"\ufeffa":                         "U+FEFF, is not to be seen",
		"a\x1b[31m":                       "U+001B, is not to be seen",
		"a\u0085b":                        "U+0085",
		"FRA\u202e3":                      "character 4, U+202E, is not to be seen",
		"FRA\u20663":                      "U+2066, is not to be seen",
		"a\u200bb":                        "U+200B, is not to be seen",
		"a\u00adb":                        "U+00AD, is not to be seen",
		"a\u2028b":                        "U+2028",
		"a\u3164b":                        "U+3164, is not to be seen",
		"数\ufe00":                         "U+FE00, is not to be seen",
		"a\ue000":                         "U+E000, is not to be seen",
		"\U000e0041a":                     "is not to be seen",
		"\u0301a":                         "is a mark without a letter",
		"a \u0301":                        "is a mark without a letter",
		"Mu\u0308nchen":                   "character 3, U+0308, is a mark of the letter before it",
		"\u304b\u3099":                    "is a mark of the letter before it",
		"\u1109\u1165\u110b\u116e\u11af":  "is a mark of the letter before it",
		"\uc11c\u11a8":                    "is a mark of the letter before it",
	} {
		if err := hw.CheckName(name); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%q: %v, want %q", name, err, words)
		}
	}
}
