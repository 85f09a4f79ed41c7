# Per quanto tempo il server conserva ciò che si dice; file propri; recuperare il resto.

find-fetch-what = Circa { $size }, prima i più recenti. Puoi fermare tutto quando vuoi.

export-all-title = Salva tutto
export-all-hint = Un solo file con tutte le tue conversazioni, per quanto sono su questo dispositivo. Può leggerlo chiunque abbia il file.
export-all-incomplete = Il file è stato consegnato al browser. Le parti più vecchie di alcune conversazioni non sono su questo dispositivo, né nel file: scaricale prima, in “Cronologia su questo dispositivo”.
export-progress = Scritto

keep-title = Conservato sul server
keep-hint = Per quanto tempo il server conserva, sigillato, ciò che si dice qui, per i dispositivi che arriveranno. Quello che è già su un dispositivo ci resta.
keep-forever = Per sempre
keep-for-days =
    { $count ->
        [one] Un giorno
        [365] Un anno
       *[other] { $count } giorni
    }
keep-other = Altro
keep-days = Numero di giorni
keep-days-wrong = Un numero intero da 1 a { $most }.
keep-delivered = Solo finché l’hanno tutti i dispositivi
keep-delivered-hint = Prima, non appena è arrivato su ogni dispositivo di chi è qui.
keep-busy = Lo dico al server…
keep-server-forever = Da parte sua, questo server non pone limiti.
keep-server = Qualunque cosa si scelga qui, questo server conserva i messaggi { $what }.
keep-words-forever = per sempre
keep-words-delivered = solo finché li hanno tutti i dispositivi
keep-words-days =
    { $count ->
        [one] per un giorno
       *[other] per { $count } giorni
    }
keep-words-both =
    { $count ->
        [one] finché li hanno tutti i dispositivi, e al massimo per un giorno
       *[other] finché li hanno tutti i dispositivi, e al massimo per { $count } giorni
    }
keep-ask = Conservare meno sul server?
keep-ask-what = Il server conserverà ciò che si dice qui { $what }, per tutti i membri di questa conversazione.
keep-ask-lost = Ciò che è più vecchio viene eliminato lì e non torna. I dispositivi che lo hanno lo tengono; quelli che arriveranno dopo non lo vedranno.
keep-yes = Conserva meno
